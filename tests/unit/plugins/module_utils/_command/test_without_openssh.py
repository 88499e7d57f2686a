# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the verb exec without OpenSSH are in test_running.py; this has what it is told by."""

from __future__ import annotations

import pytest

from tests.unit.command import PIXELS


@pytest.fixture
def without_ssh(pixels):
    folder = pixels.home / "bin"
    folder.mkdir()
    for program in ("sh", "readlink"):
        (folder / program).symlink_to(f"/bin/{program}")
    pixels.environment["PATH"] = str(folder)
    assert PIXELS.is_file()
    return pixels


def test_a_pixel_that_does_not_run_is_told(without_ssh, truenas):
    truenas.world.add_container("px-web", status="STOPPED")

    assert "is stopped: start it first" in without_ssh("exec", "web", "true").stderr


def test_a_pixel_that_is_not_there_is_told(without_ssh):
    assert "there is no pixel named web" in without_ssh("exec", "web", "true").stderr
