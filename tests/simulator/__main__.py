# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.simulator`: a simulated NAS by hand. It prints where it is, as a line of JSON, then it serves."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import shlex
import signal
import sys
import typing as t

from tests.simulator.engines.base import EngineUnavailable
from tests.simulator.options import Options, seconds_range
from tests.simulator.running import serving
from tests.simulator.server import LOOPBACK, Server
from tests.simulator.simulator import ADMIN_PASSWORD, Simulator

READERS: dict[str, t.Callable[[str], t.Any]] = {
    "str": str,
    "str | None": str,
    "int": int,
    "int | None": int,
    "float": float,
    "float | None": float,
    "Range": seconds_range,
}


def arguments() -> tuple[Options, argparse.Namespace]:
    """Every field of `Options` is a flag; some have another default by hand than in a test."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    for field in dataclasses.fields(Options):
        flag = f"--{field.name.replace('_', '-')}"
        text = field.metadata["text"]
        default = field.metadata.get("by_hand", field.default)
        if field.type == "bool":
            parser.add_argument(flag, action="store_true", help=text)
        else:
            choices = field.metadata.get("choices")
            parser.add_argument(flag, type=READERS[str(field.type)], default=default, choices=choices, help=text)
    parser.add_argument("--end-with-stdin", action="store_true", help="end when the standard input is closed")
    parser.add_argument("--exports", action="store_true", help="print variables for a shell instead of JSON")
    found = parser.parse_args()
    fields = {field.name for field in dataclasses.fields(Options)}
    return Options(**{name: value for name, value in vars(found).items() if name in fields}), found


def where(simulator: Simulator, server: Server) -> dict[str, t.Any]:
    return {
        "url": f"wss://{server.host}:{server.port}/api/current",
        "host": server.host,
        "port": server.port,
        "ca_file": str(simulator.certificate.ca_file),
        "username": simulator.admin.username,
        "api_key": simulator.admin.keys[0].text,
        "password": ADMIN_PASSWORD,
        "control": f"http://{LOOPBACK}:{server.control_port}",
        "plain_port": server.plain_port,
        "redirect_port": server.redirect_port,
        "pid": os.getpid(),
        "ssh_port": simulator.engine.ssh_port,
        "state_dir": str(simulator.state_dir),
    }


def exports(found: dict[str, t.Any]) -> str:
    """Commands of a shell that configure the connection to this NAS."""
    values = {
        "PIXELS_TRUENAS_HOST": found["host"],
        "PIXELS_TRUENAS_PORT": found["port"],
        "PIXELS_TRUENAS_USERNAME": found["username"],
        "PIXELS_TRUENAS_API_KEY": found["api_key"],
        "PIXELS_TRUENAS_CA_PATH": found["ca_file"],
        "PIXELS_SSH_PORT": found["ssh_port"],
    }
    lines = [f"export {name}={shlex.quote(str(value))}" for name, value in values.items()]
    return "\n".join(["# The simulated NAS runs until Ctrl-C. To use it, run this in another terminal:", *lines])


async def serve(options: Options, *, end_with_stdin: bool, as_exports: bool) -> None:
    """Wait for SIGTERM or SIGINT, or with --end-with-stdin for the end of standard input."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if end_with_stdin:
        loop.add_reader(sys.stdin.fileno(), lambda: None if os.read(sys.stdin.fileno(), 4096) else ended.set())
    async with serving(options) as (simulator, server):
        found = where(simulator, server)
        sys.stdout.write(f"{exports(found) if as_exports else json.dumps(found)}\n")
        sys.stdout.flush()
        await ended.wait()


def main() -> int:
    options, found = arguments()
    try:
        asyncio.run(serve(options, end_with_stdin=found.end_with_stdin, as_exports=found.exports))
    except (EngineUnavailable, OSError) as error:
        sys.stderr.write(f"the simulator cannot start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
