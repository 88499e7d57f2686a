# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the interface new containers are attached to; the vectors of upstream pixels, and what it leaves out."""

from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Nic
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.network import (
    Interface,
    default_gateway,
    interface,
    networks,
    preferred,
)


def an_interface(name, address, kind="physical"):
    return Interface(name, kind, (ipaddress.IPv4Interface(address),))


def row(**changes):
    state = {
        "link_state": "LINK_STATE_UP",
        "aliases": [
            {"type": "LINK", "address": "3c:ec:ef:00:00:01"},
            {"type": "INET", "address": "192.168.1.10", "netmask": 24, "broadcast": "192.168.1.255"},
        ],
    }
    return {"name": "eno1", "type": "PHYSICAL", "aliases": [], "state": {**state, **changes}}


class Summary:
    """Answers network.general.summary with these default routes."""

    def __init__(self, *routes):
        self._routes = list(routes)

    def read(self, method):
        assert method == "network.general.summary"
        return {"default_routes": self._routes}


def test_an_address_from_dhcp_counts():
    found = interface(row())

    assert found == an_interface("eno1", "192.168.1.10/24")


def test_an_interface_that_is_down_is_none():
    assert interface(row(link_state="LINK_STATE_DOWN")) is None


def test_an_interface_with_ipv6_only_is_none():
    assert interface(row(aliases=[{"type": "INET6", "address": "fd00::1", "netmask": 64}])) is None


def test_the_network_of_the_gateway_decides():
    first, second = an_interface("eno1", "10.0.0.2/24"), an_interface("eno2", "192.168.1.10/24")

    assert preferred([first, second], ipaddress.IPv4Address("192.168.1.1")) == second


@pytest.mark.parametrize("gateway", [None, ipaddress.IPv4Address("172.16.0.1")])
def test_without_a_gateway_in_sight_the_first_is_taken(gateway):
    first, second = an_interface("eno1", "10.0.0.2/24"), an_interface("eno2", "192.168.1.10/24")

    assert preferred([first, second], gateway) == first


@pytest.mark.parametrize(
    ("kind", "nic"),
    [
        ("bridge", Nic("br0", "bridged")),
        ("vlan", Nic("br0", "macvlan")),
        ("link_aggregation", Nic("br0", "macvlan")),
    ],
)
def test_a_gateway_behind_a_bridge_a_vlan_or_a_bond_is_found(kind, nic):
    first, second = an_interface("eno1", "10.0.0.2/24"), an_interface("br0", "192.168.1.10/24", kind)

    chosen = preferred([first, second], ipaddress.IPv4Address("192.168.1.1"))

    assert chosen.nic() == nic


def test_a_physical_interface_wins_over_another_with_the_same_network():
    bridge, physical = an_interface("br0", "192.168.1.11/24", "bridge"), an_interface("eno1", "192.168.1.10/24")

    assert preferred([bridge, physical], ipaddress.IPv4Address("192.168.1.1")) == physical


def test_no_interface_is_none():
    assert preferred([], ipaddress.IPv4Address("192.168.1.1")) is None


def test_the_first_ipv4_route_is_the_gateway():
    assert default_gateway(Summary("fe80::1", "192.168.1.1")) == ipaddress.IPv4Address("192.168.1.1")
    assert default_gateway(Summary("fe80::1")) is None


@pytest.mark.parametrize("address", ["nonsense", "", None, 5, "10.0.0.5%eth0"])
def test_an_address_that_is_none_is_omitted(address):
    aliases = [{"type": "INET", "address": address, "netmask": 24}, *row()["state"]["aliases"]]

    assert interface(row(aliases=aliases)) == an_interface("eno1", "192.168.1.10/24")


@pytest.mark.parametrize("name", ["$(id)", "a b", "a\nb", ""])
def test_an_interface_with_a_name_that_none_can_have_is_omitted(name):
    assert interface({**row(), "name": name}) is None


def test_networks_are_those_of_addresses():
    found = networks("10.0.0.1/24", None, "nonsense", "fd00::1/64")

    assert [str(each) for each in found] == ["10.0.0.0/24", "fd00::/64"]
