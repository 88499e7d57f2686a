# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated NAS in a process of its own, so that what it takes is its own as well."""

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
# Files of thousands of containers are to be removed.
END_WITHIN = 300.0


class Nas:
    """Where it is, and what it has seen."""

    def __init__(self, told: dict[str, t.Any]) -> None:
        self._control = told["control"]
        self.host: str = told["host"]
        self.port: int = told["port"]
        self.username: str = told["username"]
        self.api_key: str = told["api_key"]
        self.ca_file: str = told["ca_file"]

    def stats(self) -> dict[str, t.Any]:
        with urllib.request.urlopen(f"{self._control}/stats", timeout=60) as reply:
            found: dict[str, t.Any] = json.load(reply)
        return found


@contextlib.contextmanager
def running(**options: float) -> t.Iterator[Nas]:
    """One whose containers are only written down, and that has no delays but those in the options; ended by its pid."""
    asked = {"create_seconds": 0, "start_seconds": 0, "stop_seconds": 0, "address_seconds": 0, **options}
    words = [word for name, value in asked.items() for word in (f"--{name.replace('_', '-')}", str(value))]
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
            raise SystemExit("the simulator did not start; what it printed is above")
        yield Nas(json.loads(line))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=END_WITHIN)
