# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of whether a bridge keeps pixels from the NAS and other networks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments import isolation
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Attachment
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.host_network import HostInterface
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.sysctls import Sysctl

RP_FILTER, DISABLE_IPV6 = "net.ipv4.conf.br77.rp_filter", "net.ipv6.conf.br77.disable_ipv6"
BRIDGE = HostInterface("br77", "bridge", False, "", (), (), ipv4_dhcp=False, ipv6_auto=False)
CLOSED = {RP_FILTER: Sysctl(RP_FILTER, "1"), DISABLE_IPV6: Sysctl(DISABLE_IPV6, "1")}


def judge(bridge=BRIDGE, sysctls=CLOSED, attachments=(), nic_type="bridged"):
    return isolation.judge(bridge, sysctls, attachments, nic_type=nic_type)


@pytest.mark.parametrize("nic_type", ["bridged", "macvlan"])
def test_a_bridge_without_ports_and_addresses_is_isolated_with_its_sysctls(nic_type):
    assert judge(nic_type=nic_type) == isolation.Isolation("yes", ())


@pytest.mark.parametrize(
    ("sysctls", "named"),
    [
        ({}, (RP_FILTER, DISABLE_IPV6)),
        ({RP_FILTER: CLOSED[RP_FILTER]}, (DISABLE_IPV6,)),
        ({**CLOSED, RP_FILTER: Sysctl(RP_FILTER, "0")}, (RP_FILTER,)),
        ({**CLOSED, RP_FILTER: Sysctl(RP_FILTER, "1", is_enabled=False)}, (RP_FILTER,)),
        ({**CLOSED, DISABLE_IPV6: Sysctl(DISABLE_IPV6, "2")}, (DISABLE_IPV6,)),
        (None, ("SYSTEM_TUNABLE_READ",)),
    ],
)
def test_a_port_of_a_bridge_needs_both_sysctls_and_macvlan_none(sysctls, named):
    found = judge(sysctls=sysctls)

    assert (found.isolated, len(found.open)) == ("unknown", len(named))
    assert all(name in clause for name, clause in zip(named, found.open, strict=True))
    assert judge(sysctls=sysctls, nic_type="macvlan").isolated == "yes"


def test_a_strict_or_a_loose_filter_will_do():
    assert judge(sysctls={**CLOSED, RP_FILTER: Sysctl(RP_FILTER, "2")}).isolated == "yes"


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        ({"members": ("eno2",)}, "br77 has the port eno2"),
        ({"aliases": ("10.0.0.1/24",)}, "the NAS has the address 10.0.0.1/24 on br77"),
        ({"live": ("10.0.0.1/24",)}, "the NAS has the address 10.0.0.1/24 on br77"),
        ({"ipv4_dhcp": True}, "the NAS gets an address on br77 automatically"),
        ({"ipv6_auto": True}, "the NAS gets an address on br77 automatically"),
    ],
)
@pytest.mark.parametrize("nic_type", ["bridged", "macvlan"])
def test_a_port_or_an_address_opens_a_bridge(change, clause, nic_type):
    assert judge(replace(BRIDGE, **change), nic_type=nic_type) == isolation.Isolation("no", (clause,))


def test_a_port_of_a_container_beside_macvlan_is_named_and_the_sysctls_matter():
    ports = [Attachment("px-web", "br77", "bridged", is_running=True), Attachment("px-db", "br0", "bridged", True)]

    found = judge(sysctls={}, attachments=ports, nic_type="macvlan")

    assert (found.isolated, len(found.open)) == ("unknown", 3)
    assert found.open[0] == "px-web is attached to br77 with the type bridged, not macvlan"
