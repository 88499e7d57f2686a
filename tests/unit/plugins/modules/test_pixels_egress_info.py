# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of a pixel without a policy; tests/integration/test_egress.py has pixels with one."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.modules import pixels_egress_info
from tests.simulator import lan
from tests.unit.plugins.conftest import put


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    return "25.10"


def test_a_pixel_without_a_policy_is_unrestricted(run, truenas):
    truenas.world.add_container("px-web")

    found = run(pixels_egress_info, name="web")

    assert (found["egress"], found["drift"], found["enforced_by"], found["refused"]) == (
        {"mode": "unrestricted"},
        [],
        "none",
        [],
    )


def test_a_policy_file_that_is_invalid_is_reported(run, truenas):
    truenas.world.add_container("px-web")
    put(truenas, "/etc/pixels/egress/policy.json", "{nonsense")

    found = run(pixels_egress_info, name="web")

    assert found["egress"] == {"mode": "unrestricted"}
    assert found["drift"] == ["/etc/pixels/egress/policy.json is left over"]


@pytest.mark.parametrize(
    ("kept", "mode", "drift"),
    [
        ('{"mode": "none"}', "none", "/etc/pixels/egress/policy.json is missing"),
        ("0123456789abcdef", "unknown", "the policy in the pixel is not the one that was set"),
    ],
)
def test_the_policy_that_was_set_counts_and_not_the_one_that_the_pixel_reports(run, truenas, kept, mode, drift):
    truenas.world.add_container("px-web", environment={"PIXELS/egress": kept})

    found = run(pixels_egress_info, name="web")

    assert found["egress"]["mode"] == mode
    assert drift in found["drift"]


class TestGateway:
    """Pixels on a segment."""

    @pytest.fixture
    def web(self, truenas):
        truenas.world.interfaces["br77"] = lan.segment("br77")
        truenas.world.add_container("px-gateway", environment={"PIXELS/gateway": "br77 br78"})
        made = truenas.world.add_container("px-web")
        made.devices["eth0"] = {"type": "nic", "nictype": "macvlan", "parent": "br77"}
        return made

    def test_a_gateway_enforces_the_policy_where_its_rules_are_in_force_or_not(self, run, web):
        found = run(pixels_egress_info, name="web")

        assert (found["enforced_by"], found["egress"]) == ("gateway", {"mode": "unknown"})
        assert found["drift"] == ["the rules of br77 are not in force in gateway"]

    def test_a_gateway_that_is_stopped_is_reported(self, run, web, truenas):
        truenas.world.containers["px-gateway"].status = "STOPPED"

        found = run(pixels_egress_info, name="web")

        assert (found["enforced_by"], found["drift"]) == ("gateway", ["the gateway gateway is stopped"])

    @pytest.mark.parametrize("parent", ["eno1", "br79"])
    def test_a_pixel_with_a_nic_elsewhere_is_not_behind_the_gateway(self, run, web, parent):
        web.devices["eth1"] = {"type": "nic", "nictype": "macvlan", "parent": parent}

        assert run(pixels_egress_info, name="web")["enforced_by"] == "none"

    @pytest.mark.parametrize("network", ["incusbr0", "incusbr1"])
    def test_a_pixel_with_a_nic_on_a_bridge_of_incus_is_not_behind_the_gateway(self, run, web, network):
        web.devices["eth1"] = {"type": "nic", "network": network}

        assert run(pixels_egress_info, name="web")["enforced_by"] == "none"

    def test_a_pixel_on_a_bridge_with_a_port_is_not_behind_the_gateway(self, run, web, truenas):
        truenas.world.interfaces["br77"].details["bridge_members"] = ["eno2"]

        assert run(pixels_egress_info, name="web")["enforced_by"] == "none"

    def test_a_pixel_on_another_bridge_is_not_behind_the_gateway(self, run, web):
        web.devices["eth0"]["parent"] = "br79"

        assert run(pixels_egress_info, name="web")["enforced_by"] == "none"
