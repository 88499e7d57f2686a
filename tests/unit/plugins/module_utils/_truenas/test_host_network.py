# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the network configuration of a NAS, which is the same on all releases."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotPermitted
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import host_network
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.host_network import HostNetwork
from tests.simulator import lan

each_release = pytest.mark.parametrize("release", [pytest.param("25.04", marks=pytest.mark.wide), "25.10", "26"])


@each_release
def test_a_bridge_is_pending_then_committed_and_kept(pixels):
    network = HostNetwork(pixels.wire)

    network.create_bridge("br77", "for pixels")
    [bridge] = [each for each in network.interfaces() if each.name == "br77"]
    assert (bridge.is_pending, bridge.kind, bridge.description) == (True, "bridge", "for pixels")
    assert (bridge.members, bridge.has_stp, bridge.has_configured_address) == ((), False, False)
    assert (network.has_pending_changes(), network.seconds_to_check_in()) == (True, None)
    network.commit(checkin_timeout_s=60)
    assert 0 < network.seconds_to_check_in() <= 60
    network.check_in()

    assert [each.is_pending for each in network.interfaces() if each.name == "br77"] == [False]
    assert (network.has_pending_changes(), network.seconds_to_check_in()) == (False, None)


@each_release
def test_addresses_of_dhcp_are_live_and_not_configured(pixels, truenas):
    truenas.world.interfaces["br0"] = lan.bridge(address="10.0.0.1/24")

    found = {each.name: each for each in HostNetwork(pixels.wire).interfaces()}

    assert (found["eno1"].live, found["eno1"].aliases) == (("192.168.1.10/24",), ())
    assert found["eno1"].has_configured_address
    assert (found["br0"].aliases, found["br0"].members, found["br0"].has_stp) == (("10.0.0.1/24",), ("eno1",), True)


@each_release
def test_settings_that_only_dhcp_provides_have_names(pixels, truenas, release):
    lost = ("the default route",) if release == "25.04" else ("the default route", "name servers")

    assert HostNetwork(pixels.wire).settings_lost() == lost
    truenas.world.network.gateway, truenas.world.network.nameservers = "192.168.1.1", ["192.168.1.1"]

    assert HostNetwork(pixels.wire).settings_lost() == ()


@each_release
def test_the_interface_of_the_session_is_known_or_not(pixels, truenas):
    assert HostNetwork(pixels.wire).used_interface() == "eno1"
    truenas.world.network.management = None

    assert HostNetwork(pixels.wire).used_interface() is None


@each_release
def test_a_missing_role_is_named_and_pending_changes_are_then_unknown(pixels, truenas):
    truenas.faults.add("remove_role", role="NETWORK_INTERFACE_WRITE")
    network = HostNetwork(pixels.wire)

    with pytest.raises(NotPermitted, match="NETWORK_INTERFACE_WRITE"):
        network.create_bridge("br77", "")
    assert network.has_pending_changes() is None


@pytest.mark.parametrize(
    "alias",
    [
        {"type": "LINK", "address": "3c:ec:ef:00:00:01"},
        {"type": "INET6", "address": "fe80::1", "netmask": 64},
        {"type": "INET", "address": "10.0.0.1\x1b[31m", "netmask": 24},
        {"type": "INET", "address": ["10.0.0.1"], "netmask": 24},
        {"type": "INET", "address": "10.0.0.1", "netmask": 99},
    ],
)
def test_what_is_no_address_of_another_machine_is_ignored(alias):
    valid = {"type": "INET", "address": "10.0.0.2", "netmask": "24"}

    assert host_network.addresses([alias, valid]) == ("10.0.0.2/24",)
