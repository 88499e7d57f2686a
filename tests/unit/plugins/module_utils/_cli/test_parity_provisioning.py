# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the command does what upstream's does for provisioning, each named after the row of the comparison."""

from __future__ import annotations

import pytest

from tests.unit.plugins.conftest import read
from tests.unit.plugins.module_utils._cli.test_parity import public_key


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def ssh_installed():
    return False


def test_p6_p7_steps_are_run_in_the_pixel_and_status_shows_how_each_ended(pixels, truenas, home):
    public_key(home)
    port = str(truenas.ssh_port)
    truenas.world.engine.mirrors_down.add("*")
    failed = pixels("create", "web", PIXELS_SSH_PORT=port)
    assert failed.returncode == 1

    (broken,) = pixels.json("status", "web")
    truenas.world.engine.mirrors_down.clear()

    assert [(each["name"], each["state"]) for each in broken["steps"]] == [("keys", "done"), ("ssh-server", "failed")]
    assert broken["steps"][1]["rc"] == 1
    assert "Failed to fetch" in broken["steps"][1]["output"][0]
    assert broken["provisioning"] == "failed"
    assert read(truenas, "/var/lib/pixels/provisioning").startswith("plan keys ssh-server\n")
