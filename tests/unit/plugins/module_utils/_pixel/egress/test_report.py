# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of a policy; test_pixels_egress_info.py has what enforces it."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import policy, report
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from tests.simulator import lan


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


def test_a_pixel_behind_a_gateway_also_has_the_drift_of_its_own_policy(session, truenas):
    truenas.world.interfaces["br77"] = lan.segment("br77")
    truenas.world.add_container("px-gateway", environment={"PIXELS/gateway": "br77"}, status="STOPPED")
    web = truenas.world.add_container("px-web", environment={"PIXELS/egress": '{"mode": "none"}'})
    web.devices["eth0"] = {"type": "nic", "nictype": "macvlan", "parent": "br77"}

    found = report.read(Pixels(session), PixelName.parse("web"))

    assert (found.enforced_by, found.policy) == (report.GATEWAY, None)
    assert found.drift[0] == "the gateway gateway is stopped"
    assert "/etc/pixels/egress/policy.json is missing" in found.drift


def test_a_policy_that_is_unknown_has_no_lists():
    known = report.Report(policy.parse("none"), [], report.GUEST, [])
    unknown = report.Report(None, ["gone"], report.NOTHING, [])

    assert known.as_dict()["egress"] == policy.parse("none").as_dict()
    assert unknown.as_dict() == {
        "egress": {"mode": "unknown"},
        "drift": ["gone"],
        "enforced_by": "none",
        "refused": [],
    }
