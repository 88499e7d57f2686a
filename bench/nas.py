# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a simulated NAS in a separate process, so that its CPU time is not measured."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import typing as t
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Long enough to remove the files of thousands of containers.
END_TIMEOUT_S = 300.0


class Nas:
    """The address and the credentials of a simulated NAS."""

    def __init__(self, description: dict[str, t.Any]) -> None:
        self.control = description["control"]
        self.host: str = description["host"]
        self.port: int = description["port"]
        self.username: str = description["username"]
        self.api_key: str = description["api_key"]
        self.ca_file: str = description["ca_file"]

    def stats(self) -> dict[str, t.Any]:
        with urllib.request.urlopen(f"{self.control}/stats", timeout=60) as reply:
            found: dict[str, t.Any] = json.load(reply)
        return found


@contextlib.contextmanager
def running(**options: float) -> t.Iterator[Nas]:
    """Run a simulated NAS with the engine `paper` and without delays, unless `options` set some."""
    settings = {"create_seconds": 0, "start_seconds": 0, "stop_seconds": 0, "address_seconds": 0, **options}
    words = [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.simulator", "--engine", "paper", *words],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise SystemExit("the simulator did not start: see its output above")
        yield Nas(json.loads(line))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=END_TIMEOUT_S)
