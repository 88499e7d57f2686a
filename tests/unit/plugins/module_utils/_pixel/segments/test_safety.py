# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of each change of the network of a NAS that could do harm: it is refused, and nothing is changed."""

from __future__ import annotations

import pytest

from tests.simulator import lan
from tests.simulator.domain import DomainDevice
from tests.unit.plugins.conftest import INCUS

each_release = pytest.mark.parametrize(
    "release",
    [
        pytest.param("25.04", marks=pytest.mark.wide),
        "25.10",
        pytest.param("26.0.0-BETA.3", marks=pytest.mark.wide),
        "26",
    ],
)
incus = pytest.mark.parametrize("release", [pytest.param("25.04", marks=pytest.mark.wide), "25.10"])
newest_incus = pytest.mark.parametrize("release", ["25.10"])
libvirt = pytest.mark.parametrize("release", ["26"])


def untouched(truenas):
    """Return whether no change is pending, and none was committed."""
    network = truenas.world.network
    return not network.has_pending_changes and not network.commits and "br77" not in truenas.world.interfaces


def bridged(truenas, *names, parent="br0"):
    """Add running containers with a NIC on a bridge."""
    if parent not in truenas.world.interfaces:
        truenas.world.interfaces[parent] = lan.bridge(parent, members=(), address="10.9.0.1/24")
    for name in names:
        made = truenas.world.add_container(name)
        made.devices["eth0"] = {"name": "eth0", "type": "nic", "nictype": "bridged", "parent": parent}


@each_release
@pytest.mark.parametrize("confirm", [False, True])
def test_an_interface_that_is_not_configured_would_lose_its_address(segment, truenas, confirm):
    truenas.world.interfaces = lan.default()
    for each in truenas.world.interfaces.values():
        each.configured = False

    result = segment(confirm=confirm)

    assert "the interface eno1 of the NAS is not in its network settings" in result["msg"] or not confirm
    assert untouched(truenas)
    assert truenas.stats.calls["interface.rollback"] == 0


@newest_incus
def test_another_interface_that_is_not_configured_requires_a_confirmation(segment, truenas):
    truenas.world.interfaces["eno3"] = lan.physical("eno3", "10.1.0.5/24", dhcp=False)
    truenas.world.interfaces["eno3"].configured = False

    result = segment()

    assert "the interface eno3 of the NAS is not in its network settings" in result["msg"]
    assert "Set confirm: true" in result["msg"].replace("or set", "Set")
    assert untouched(truenas)
    assert segment(confirm=True)["changed"]
    assert truenas.world.interfaces["eno3"].live == ()


@newest_incus
def test_a_nas_that_cannot_tell_its_interface_loses_none(segment, truenas):
    truenas.world.network.management = None
    truenas.world.interfaces["eno3"] = lan.physical("eno3", "10.1.0.5/24", dhcp=False)
    truenas.world.interfaces["eno3"].configured = False

    assert "eno3" in segment(confirm=True)["msg"]
    assert untouched(truenas)


@each_release
def test_pending_changes_of_others_are_not_committed(segment, truenas, session):
    session.call("interface.create", {"type": "BRIDGE", "name": "br5", "bridge_members": []})

    for check_mode in (True, False):
        result = segment(check_mode=check_mode)

        assert "other changes of the network are pending there" in result["msg"]
    assert truenas.world.network.commits == 0
    assert not truenas.world.has_interface("br5")


@newest_incus
def test_a_change_that_begins_in_the_meantime_is_left_pending_and_alone(segment, truenas, monkeypatch):
    network = truenas.world.network
    add = network.add

    def add_both(bridge):
        add(bridge)
        add(lan.Interface("br5", "BRIDGE", details={"bridge_members": [], "stp": True}))

    monkeypatch.setattr(network, "add", add_both)
    result = segment()

    assert "another client is changing the network" in result["msg"]
    assert truenas.world.network.commits == 0
    assert "br77" not in truenas.world.interfaces
    assert truenas.world.network.has_pending_changes


@each_release
def test_settings_that_only_dhcp_provides_require_a_confirmation(segment, truenas, release):
    truenas.world.network.gateway = None
    truenas.world.network.nameservers = []

    result = segment()

    lost = "the default route" if release == "25.04" else "the default route and name servers"
    assert f"the NAS may lose {lost}" in result["msg"]
    assert "confirm: true" in result["msg"]
    assert untouched(truenas)
    assert segment(confirm=True)["changed"]


@each_release
def test_high_availability_is_refused(segment, truenas):
    truenas.world.network.failover = True

    assert "high availability" in segment(confirm=True)["msg"]
    assert untouched(truenas)


@incus
def test_containers_on_bridges_are_listed_and_pixels_restarted_after_a_confirmation(segment, truenas):
    bridged(truenas, "px-web", "px-db", "plex")

    for check_mode in (True, False):
        result = segment(check_mode=check_mode)
        assert "from 3 running containers on bridges until they restart: plex, px-db, px-web" in result["msg"]
    assert untouched(truenas)
    done = segment(confirm=True)

    assert done["restarted"] == ["db", "web"]
    assert truenas.world.network.detached == {"plex": {"eth0"}}
    assert truenas.stats.calls["virt.instance.restart"] == 2


@libvirt
def test_containers_of_26_keep_their_network(segment, truenas):
    truenas.world.add_container("px-web")

    assert segment()["restarted"] == []
    assert truenas.world.containers["px-web"].starts == 0


def attach_to_libvirt(truenas, made, parent):
    """Give a container of TrueNAS 26 a NIC."""
    attributes = {"dtype": "NIC", "type": "VIRTIO", "nic_attach": parent, "mac": "00:a0:98:00:00:01"}
    made.devices.append(DomainDevice(7, {**attributes, "trust_guest_rx_filters": False}))


@each_release
def test_a_segment_in_use_is_not_removed(segment, truenas, release):
    segment()
    made = truenas.world.add_container("px-web", status="STOPPED")
    if release in INCUS:
        made.devices["eth0"] = {"name": "eth0", "type": "nic", "nictype": "macvlan", "parent": "br77"}
    else:
        attach_to_libvirt(truenas, made, "br77")

    for check_mode in (True, False):
        assert "px-web is attached to it" in segment(state="absent", check_mode=check_mode)["msg"]
    assert truenas.world.has_interface("br77")
    assert not truenas.world.network.has_pending_changes


@each_release
def test_a_bridge_with_ports_or_addresses_is_no_segment(segment, truenas):
    truenas.world.interfaces["br77"] = lan.bridge("br77", members=("eno2",), address="10.9.0.1/24")

    found = segment()["segment"]

    assert found["isolated"] == "no"
    assert found["open"][:2] == ["br77 has the port eno2", "the NAS has the address 10.9.0.1/24 on br77"]
    assert truenas.world.network.commits == 0
    assert "so that it is no segment" in segment(state="absent")["msg"]
    assert truenas.world.interfaces["br77"].configured


@newest_incus
@pytest.mark.parametrize(
    ("role", "method"), [("NETWORK_INTERFACE_WRITE", "interface.create"), ("SYSTEM_TUNABLE_WRITE", None)]
)
def test_a_missing_role_is_named(segment, truenas, role, method):
    truenas.faults.add("remove_role", role=role)

    result = segment()

    if method:
        assert f"requires the role {role}" in result["msg"]
        assert untouched(truenas)
    else:
        # macvlan is isolated without the sysctls.
        assert (result["changed"], result["segment"]["isolated"]) == (True, "yes")
        assert truenas.world.network.tunables == []


@newest_incus
def test_an_existing_bridge_requires_no_role_for_changes(segment, truenas):
    truenas.world.interfaces["br77"] = lan.Interface("br77", "BRIDGE", details={"bridge_members": [], "stp": False})
    for role in ("NETWORK_INTERFACE_WRITE", "SYSTEM_TUNABLE_WRITE"):
        truenas.faults.add("remove_role", role=role)

    result = segment()

    assert (result["changed"], result["segment"]["isolated"]) == (False, "yes")
