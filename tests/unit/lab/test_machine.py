# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the report that this machine cannot have a lab."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import machine

ROOT = Path(__file__).resolve().parents[3]
DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'


def test_without_root_there_is_no_lab() -> None:
    assert "needs root" in (machine.unfit(uid=1000, os_release=DEBIAN) or "")


@pytest.mark.parametrize(
    "os_release",
    [DEBIAN.replace('"12"', '"13"'), DEBIAN.replace("debian", "ubuntu"), "PRETTY_NAME=Other\n"],
)
def test_another_system_is_named(os_release: str) -> None:
    problem = machine.unfit(uid=0, os_release=os_release) or ""

    assert "the lab runs on Debian 12, and this is " in problem


@pytest.mark.skipif(os.geteuid() != 0, reason="asks for namespaces, which takes root")
def test_a_machine_without_memory_is_reported_how_much_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "meminfo"
    memory.write_text("MemTotal:  2048000 kB\nMemAvailable:  819200 kB\n")
    monkeypatch.setattr(machine, "MEMORY", memory)
    monkeypatch.setattr(machine, "FUSE", Path("/dev/null"))

    problem = machine.unfit(os_release=DEBIAN) or ""

    # Where root may make no namespaces, that is said first.
    assert "takes 1536 MiB of memory; 800 MiB are left" in problem or "needs namespaces" in problem


def test_a_full_disk_is_named_with_what_is_left_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.lacks_disk(tmp_path) is None

    monkeypatch.setattr(machine, "LEAST_DISK", 1 << 60)

    assert f"{tmp_path} has " in (machine.lacks_disk(tmp_path) or "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may have a lab")
def test_a_machine_that_cannot_have_a_lab_is_reported_by_its_own_status() -> None:
    ended = subprocess.run([sys.executable, "-m", "tests.lab"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == machine.UNFIT
    assert "not run: the lab needs root" in ended.stderr
