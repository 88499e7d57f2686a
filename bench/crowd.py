# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure 100 commands that start together without a session, and an inventory of NAS of which some are gone."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from bench.measuring import ROOT, Bench
from bench.nas import Nas, running
from bench.rows import Row

PROCESSES = 100
NAS_COUNT, UNREACHABLE = 10, 3
CONNECT_TIMEOUT_S = 5.0
QUEUE = 4


def measure(runs: int) -> list[Row]:
    # Socket paths are limited to about 100 characters, so the directory has a short one.
    with tempfile.TemporaryDirectory(prefix="px-") as name:
        return [*processes(Path(name)), inventory(Path(name), runs)]


def processes(directory: Path) -> list[Row]:
    """Start many commands in parallel, first without a session and then with one."""
    with running(seed_pixels=10) as nas, Bench(nas, directory, 1) as bench:
        cold = in_parallel(bench)
        stats = nas.stats()
        warm = in_parallel(bench)
    what = f"{PROCESSES} x pixels list in parallel, no session open"
    return [
        Row(what, cold, warm, "the same with a session"),
        Row(f"{what}: logins", stats["logins"], 20, "the limit of the NAS", target=1.0, unit=""),
        Row(f"{what}: logins that the NAS refused", stats["rate_limited"], 1, "one", target=0.0, unit=""),
    ]


def in_parallel(bench: Bench) -> float:
    """Return the seconds until the last of the commands has ended. Raises SystemExit if one fails."""
    began = time.perf_counter()
    started = [
        subprocess.Popen(
            [str(ROOT / "bin/pixels"), "list"],
            env=bench.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _process in range(PROCESSES)
    ]
    for process in started:
        out, err = process.communicate()
        if process.returncode or "seed-0010" not in out:
            raise SystemExit(f"pixels list ended with {process.returncode}\n{out}{err}")
    return time.perf_counter() - began


def inventory(directory: Path, runs: int) -> Row:
    """List several NAS of which some do not answer, and of which each is reached with its own settings."""
    with contextlib.ExitStack() as stack:
        reachable = [stack.enter_context(running(seed_pixels=10)) for _nas in range(NAS_COUNT - UNREACHABLE)]
        silent = stack.enter_context(full_port())
        entries = [entry(nas) for nas in reachable]
        # Each is another NAS to the plugin, because it has another account.
        entries += [{**entries[0], "port": silent, "username": f"user{number}"} for number in range(UNREACHABLE)]
        content = {
            "plugin": "pixels.truenas.pixels",
            "on_error": "warn",
            "hostname": "name.nas",
            "connect_timeout": CONNECT_TIMEOUT_S,
            "nas": entries,
        }
        (directory / "many.pixels.yml").write_text(json.dumps(content))
        bench = stack.enter_context(Bench(reachable[0], directory, runs))
        ours = bench.seconds("ansible-inventory", "-i", "many.pixels.yml", "--list")
        start = bench.seconds("ansible-inventory", "-i", "localhost,", "--list")
    what = f"inventory of {NAS_COUNT} NAS, {UNREACHABLE} of them unreachable"
    return Row(
        what, ours - start, CONNECT_TIMEOUT_S, "one connect_timeout; measured without the start of Ansible", target=1.25
    )


def entry(nas: Nas) -> dict[str, object]:
    return {
        "host": nas.host,
        "port": nas.port,
        "username": nas.username,
        "api_key": nas.api_key,
        "ca_path": nas.ca_file,
    }


@contextlib.contextmanager
def full_port():
    """Yield a port where the kernel drops connections, as a firewall does: its queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _connection in range(QUEUE):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
