# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the sysctls of a segment."""

from __future__ import annotations

import pytest

from tests.simulator import lan

RP_FILTER, DISABLE_IPV6 = "net.ipv4.conf.br77.rp_filter", "net.ipv6.conf.br77.disable_ipv6"

incus = pytest.mark.parametrize("release", [pytest.param("25.04", marks=pytest.mark.wide), "25.10"])
libvirt = pytest.mark.parametrize("release", ["26"])


def bridged(truenas, *names, parent="br0"):
    """Add running containers with a NIC on a bridge."""
    if parent not in truenas.world.interfaces:
        truenas.world.interfaces[parent] = lan.bridge(parent, members=(), address="10.9.0.1/24")
    for name in names:
        made = truenas.world.add_container(name)
        made.devices["eth0"] = {"name": "eth0", "type": "nic", "nictype": "bridged", "parent": parent}


@libvirt
def test_without_the_sysctls_26_may_answer_and_the_next_run_closes_it(segment, truenas):
    truenas.world.network.names_listed()

    done = segment()

    assert (done["segment"]["isolated"], len(done["segment"]["open"])) == ("unknown", 2)
    assert done["diff"]["after"]["sysctls"] == {RP_FILTER: None, DISABLE_IPV6: None}
    truenas.world.network.forget()
    done = segment()
    assert done.get("segment", {}).get("isolated") == "yes", done


@incus
def test_macvlan_is_isolated_without_the_sysctls(segment, truenas):
    truenas.world.network.names_listed()

    done = segment()
    assert done.get("segment", {}).get("isolated") == "yes", done


@incus
def test_a_bridged_container_on_a_segment_opens_it(segment, truenas):
    truenas.world.network.names_listed()
    segment()
    bridged(truenas, "px-web", parent="br77")

    found = segment(check_mode=True)["segment"]

    assert found["isolated"] == "unknown"
    assert found["open"][0] == "px-web is attached to br77 with the type bridged, not macvlan"
