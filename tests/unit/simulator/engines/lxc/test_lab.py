# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how the engine finds the lab, and of its error if there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulator.engines.base import EngineUnavailable
from tests.simulator.engines.lxc.lab import Lab


def test_what_the_lab_wrote_down_is_what_the_engine_reads(tmp_path: Path) -> None:
    written = Lab(pool="fast", group="lab-7", folder=tmp_path / "lab")

    written.write()

    assert Lab.here(tmp_path / "lab") == written


def test_outside_of_a_lab_the_engine_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="make lab"):
        Lab.here(tmp_path)


def test_datasets_are_mounted_below_the_pool() -> None:
    lab = Lab(pool="tank", mounted_at="/mnt/lab")

    assert lab.containers == "tank/.ix-virt/containers"
    assert lab.mountpoint(f"{lab.containers}/px-web") == Path("/mnt/lab/.ix-virt/containers/px-web")
