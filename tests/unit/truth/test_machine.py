# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the report that this machine cannot have the virtual machine, and of the probe of its processor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.truth import machine

ROOT = Path(__file__).resolve().parents[3]
DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'


def test_what_a_machine_lacks_is_named() -> None:
    assert machine.unfit(uid=1000, os_release=DEBIAN) == (
        "the virtual machine needs root: it makes namespaces, mounts and interfaces of its own"
    )
    assert "this is Other" in (machine.unfit(uid=0, os_release="PRETTY_NAME=Other\n") or "")


def test_a_machine_without_tap_interfaces_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "TUN", tmp_path / "tun")

    assert f"needs {tmp_path}/tun" in (machine.unfit(uid=0, os_release=DEBIAN) or "")


@pytest.mark.parametrize(
    ("prints", "runs"), [("booting; Unable to mount root fs on", True), ("booting", False), ("", False)]
)
def test_a_processor_that_starts_a_kernel_but_does_not_finish_is_not_used(
    prints: str, runs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "qemu-system-x86_64"
    program.write_text(f"#!/bin/sh\nprintf '%s' '{prints}'\n[ -n '{prints}' ] || exit 0\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(machine, "SECONDS_TO_PROBE", 1)

    assert machine.runs_on_kvm(tmp_path, tmp_path) is runs


@pytest.mark.skipif(os.geteuid() == 0, reason="root may have a virtual machine")
def test_a_machine_that_cannot_have_one_is_reported_by_its_own_status() -> None:
    ended = subprocess.run([sys.executable, "-m", "tests.truth"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == machine.UNFIT
    assert "truth: not run: the virtual machine needs root" in ended.stderr
