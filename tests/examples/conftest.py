# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tools of other projects, from an environment of their own, with a simulated NAS."""

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

import pytest

from tests.integration.conftest import ROOT, ansible, sessions, truenas

__all__ = ["ansible", "sessions", "truenas"]

TOOLS = ROOT / "build/venv-examples/bin"
COMMAND_SECONDS = 300


@pytest.fixture
def release() -> str:
    return "25.10"


@pytest.fixture
def engine() -> str:
    return "process"


@pytest.fixture
def ssh_installed() -> bool:
    return False


@pytest.fixture
def run(ansible: t.Any) -> t.Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a command line of a user who has installed the tools and the collection."""
    environment = {
        **ansible.environment,
        "PATH": f"{TOOLS}{os.pathsep}{ROOT / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PIXELS_PYTHON": str(TOOLS / "python"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build"),
        "NO_COLOR": "1",
    }
    # The tools have their own configuration of Ansible, and the pixels their own Python.
    for name in ("ANSIBLE_CONFIG", "ANSIBLE_PYTHON_INTERPRETER"):
        del environment[name]

    def run_line(line: str, directory: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )

    return run_line
