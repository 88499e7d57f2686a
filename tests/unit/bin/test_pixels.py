# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the command runs from wherever it lies, without Ansible; tests of its verbs are beside its code's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PIXELS = ROOT / "bin" / "pixels"


def help_of(path):
    return subprocess.run([sys.executable, str(path), "--help"], capture_output=True, text=True, check=True).stdout


def test_it_runs_from_the_checkout():
    assert "Disposable Linux containers on TrueNAS." in help_of(PIXELS)


def test_it_runs_through_a_link(tmp_path):
    (tmp_path / "pixels").symlink_to(PIXELS)

    assert "usage: pixels" in help_of(tmp_path / "pixels")


def test_it_neither_needs_nor_loads_ansible():
    code = (
        "import runpy, sys\n"
        "sys.argv = ['pixels', '--help']\n"
        f"try:\n    runpy.run_path({str(PIXELS)!r}, run_name='__main__')\n"
        "except SystemExit:\n    pass\n"
        "sys.exit(any(name.split('.')[0] in ('ansible', 'paramiko') for name in sys.modules))\n"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
