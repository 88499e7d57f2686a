# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module refuses; test_gateway.py has pixels that can be a gateway."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.modules import pixels_gateway


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


SEGMENTS = [{"name": "br77", "egress": "agent"}]


def test_an_invalid_segment_is_refused_before_a_login(run, truenas):
    failed = run(pixels_gateway, name="gateway", segments=[{"name": "eth0"}])

    assert failed["msg"].startswith("invalid segments[0].name: 'eth0' is not the name of a segment")
    assert truenas.stats.logins == 0


def test_a_stopped_pixel_is_refused(run, truenas):
    truenas.world.add_container("px-gateway", status="STOPPED")

    assert "gateway is stopped" in run(pixels_gateway, name="gateway", segments=SEGMENTS)["msg"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_pixel_that_can_be_no_gateway_is_refused_and_not_recorded_as_one(run, truenas, check_mode):
    pixel = truenas.world.add_container("px-gateway")
    before = dict(pixel.environment)

    failed = run(pixels_gateway, name="gateway", segments=SEGMENTS, check_mode=check_mode)

    assert "setting up the gateway gateway" in failed["msg"]
    assert pixel.environment == before
    assert pixel.status == "RUNNING"
