# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how long commands take."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.nas import Nas

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent


class Bench:
    """Run commands against one NAS, with a home and session of their own."""

    def __init__(self, nas: Nas, directory: Path, runs: int) -> None:
        self.directory = directory
        self.runs = runs
        self.environment = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(directory),
            # Do not use the sessions and the login count of the current user.
            "XDG_RUNTIME_DIR": str(directory),
            "LANG": "C.UTF-8",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "PIXELS_PYTHON": sys.executable,
            "PIXELS_TRUENAS_HOST": nas.host,
            "PIXELS_TRUENAS_PORT": str(nas.port),
            "PIXELS_TRUENAS_USERNAME": nas.username,
            "PIXELS_TRUENAS_API_KEY": nas.api_key,
            "PIXELS_TRUENAS_CA_PATH": nas.ca_file,
        }

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_how: object) -> None:
        """End the shared session."""
        self.run(str(ROOT / "bin" / "pixels"), "session", "stop")

    def seconds(self, *command: str, runs: int | None = None, **variables: str) -> float:
        """Return the shortest of several runs, the one least affected by other load."""
        taken = []
        for _run in range(runs or self.runs):
            began = time.perf_counter()
            self.run(str(BIN / command[0]), *command[1:], **variables)
            taken.append(time.perf_counter() - began)
        return min(taken)

    def run(self, *command: str, **variables: str) -> str:
        """Run a command and return its output. Raises SystemExit if it fails."""
        ended = subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {ended.returncode}\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def play(self, text: str, *options: str, runs: int | None = None, **variables: str) -> float:
        path = self.directory / "play.yml"
        path.write_text(text)
        return self.seconds("ansible-playbook", str(path), *options, runs=runs, **variables)

    def elsewhere(self) -> dict[str, str]:
        """Return variables for a command that does not share the session and the login count of the others."""
        return {"XDG_RUNTIME_DIR": tempfile.mkdtemp(dir=self.directory)}
