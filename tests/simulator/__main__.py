# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.simulator`: a simulated NAS by hand, one JSON line that says where it is, then it serves."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
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


def arguments() -> tuple[Options, bool]:
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
    found = vars(parser.parse_args())
    end_with_stdin = found.pop("end_with_stdin")
    return Options(**found), end_with_stdin


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


async def serve(options: Options, *, end_with_stdin: bool) -> None:
    """Wait for SIGTERM or SIGINT, or with --end-with-stdin for the end of standard input."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if end_with_stdin:
        loop.add_reader(sys.stdin.fileno(), lambda: None if os.read(sys.stdin.fileno(), 4096) else ended.set())
    async with serving(options) as (simulator, server):
        sys.stdout.write(json.dumps(where(simulator, server)) + "\n")
        sys.stdout.flush()
        await ended.wait()


def main() -> int:
    options, end_with_stdin = arguments()
    try:
        asyncio.run(serve(options, end_with_stdin=end_with_stdin))
    except (EngineUnavailable, OSError) as error:
        sys.stderr.write(f"the simulator cannot start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
