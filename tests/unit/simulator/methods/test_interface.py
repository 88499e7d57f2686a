# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how the NAS shows its network to a client that looks for a parent of new NICs."""

from __future__ import annotations

from tests.simulator import lan
from tests.unit.simulator.nas import Nas


def test_addresses_by_dhcp_are_live_but_not_configured(nas: Nas) -> None:
    [eno1] = nas.call("interface.query", [["name", "=", "eno1"]])

    assert (eno1["type"], eno1["aliases"], eno1["ipv4_dhcp"]) == ("PHYSICAL", [], True)
    assert {"type": "INET", "address": "192.168.1.10", "netmask": 24, "broadcast": "192.168.1.255"} in (
        eno1["state"]["aliases"]
    )


def test_static_addresses_are_both(nas: Nas) -> None:
    nas.world.interfaces["eno1"] = lan.physical(dhcp=False)

    [eno1] = nas.call("interface.query", [["name", "=", "eno1"]])

    assert eno1["aliases"] == [{"type": "INET", "address": "192.168.1.10", "netmask": 24}]


def test_bridges_laggs_and_vlans_have_members_of_their_own(nas: Nas) -> None:
    nas.world.interfaces |= {each.name: each for each in (lan.bridge(), lan.lagg(), lan.vlan())}

    rows = {row["type"]: row for row in nas.call("interface.query")}

    assert rows["BRIDGE"]["bridge_members"] == ["eno1"]
    assert rows["LINK_AGGREGATION"]["lag_ports"] == ["eno1", "eno2"]
    assert (rows["VLAN"]["vlan_parent_interface"], rows["VLAN"]["state"]["tag"]) == ("eno1", 10)


def test_25_10_says_more_about_a_state(nas: Nas) -> None:
    [row] = nas.call("interface.query", [["name", "=", "eno1"]])

    assert ("ports" in row["state"]) is nas.release.interface_state_has_lag_fields


def test_the_summary_holds_live_addresses_routes_and_name_servers(nas: Nas) -> None:
    assert nas.call("network.general.summary") == {
        "ips": {"eno1": {"IPV4": ["192.168.1.10/24"], "IPV6": ["fe80::3eec:efff:fe00:1/64"]}},
        "default_routes": ["192.168.1.1"],
        "nameservers": ["192.168.1.1"],
    }
