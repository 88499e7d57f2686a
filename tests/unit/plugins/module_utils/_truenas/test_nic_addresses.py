# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which addresses are those of a container's own network card."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.detect import detect_backend
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.nic_addresses import from_raw
from tests.unit.plugins.conftest import both_generations

BRIDGES = {
    "br-8f3a": [{"type": "INET", "address": "172.18.0.1", "netmask": 16}],
    "cni0": [{"type": "INET", "address": "10.88.0.1", "netmask": 16}],
    "docker0": [{"type": "INET", "address": "172.17.0.1", "netmask": 16}],
}
READER = ("VIRT_GLOBAL_READ", "VIRT_INSTANCE_READ")


def made(truenas, bridges, name="px-web"):
    """A container that runs with such interfaces, and the address of its card."""
    container = truenas.world.add_container(name)
    container.bridges = bridges
    return container, container.aliases[0]["address"]


@both_generations
def test_bridges_in_the_guest_come_after_the_card(session, truenas):
    _container, real = made(truenas, BRIDGES)

    (listed,) = detect_backend(session).list("px-")
    found = detect_backend(session).find("px-web")

    assert listed.ipv4 == found.ipv4 == found.address == real
    assert sorted(each.address for each in found.addresses) == sorted([real, "10.88.0.1", "172.17.0.1", "172.18.0.1"])
    assert found.addresses[0].address == real


@both_generations
@pytest.mark.parametrize("bridges", [BRIDGES, {"docker0": BRIDGES["docker0"]}])
def test_a_bridge_that_is_there_before_dhcp_is_no_address_of_the_pixel(session, truenas, bridges):
    container, _real = made(truenas, bridges)
    container.aliases = []

    found = detect_backend(session).find("px-web")

    assert found.ipv4 is None
    assert len(found.addresses) == len(bridges)


@pytest.mark.parametrize("bridges", [BRIDGES, {"docker0": BRIDGES["docker0"]}])
def test_an_account_that_does_not_see_the_interfaces_goes_by_the_network(session_of, truenas, bridges):
    _container, real = made(truenas, bridges)
    truenas.world.v4_network = "10.77.0.1/16"

    backend = detect_backend(session_of(*READER))

    assert backend.find("px-web").ipv4 == backend.list("px-")[0].ipv4 == real


def test_a_card_on_the_nas_own_bridge_has_no_address_elsewhere(session_of, truenas):
    container, _real = made(truenas, BRIDGES)
    truenas.world.v4_network = "10.77.0.1/16"
    container.aliases = []

    assert detect_backend(session_of(*READER)).find("px-web").ipv4 is None


@pytest.mark.parametrize("roles", [READER, (*READER, "NETWORK_INTERFACE_READ")])
def test_of_a_card_on_another_interface_an_address_beside_its_network_counts(session_of, truenas, roles):
    container, real = made(truenas, BRIDGES)
    container.devices["eth0"] = {"type": "nic", "nictype": "macvlan", "parent": "eno1"}

    assert detect_backend(session_of(*roles)).find("px-web").ipv4 == real


def test_an_address_in_the_network_of_the_interface_is_the_cards(session_of, truenas):
    container, _real = made(truenas, {"zt0": [{"type": "INET", "address": "10.10.0.7", "netmask": 24}]})
    container.devices["eth0"] = {"type": "nic", "nictype": "macvlan", "parent": "eno1"}
    container.aliases = [{"type": "INET", "address": "192.168.1.60", "netmask": 24}]

    seen = detect_backend(session_of(*READER, "NETWORK_INTERFACE_READ")).find("px-web")

    assert seen.ipv4 == "192.168.1.60"


def test_interfaces_are_asked_for_only_where_it_matters(session, truenas):
    truenas.world.add_container("px-web")
    backend = detect_backend(session)

    backend.list("px-")

    assert truenas.stats.calls["virt.instance.query"] == 1


def test_a_card_in_a_bridge_of_the_guest_is_known_by_its_mac():
    raw = {
        "expanded_devices": {"eth0": {"type": "nic"}, "root": {"type": "disk"}},
        "expanded_config": {"volatile.eth0.hwaddr": "00:16:3e:00:00:01"},
        "state": {
            "network": {
                "br0": {"hwaddr": "00:16:3e:00:00:01", "addresses": [{"family": "inet", "address": "10.0.0.5"}]},
                "docker0": {"hwaddr": "02:42:00:00:00:01", "addresses": [{"family": "inet", "address": "172.17.0.1"}]},
                "eth0": {"hwaddr": "00:16:3e:00:00:01", "addresses": [{"family": "inet6", "address": "fe80::1"}]},
            }
        },
    }

    assert from_raw(raw) == {"10.0.0.5"}


@pytest.mark.parametrize(
    "raw",
    [
        *(None, "********", 5, [], {}, {"state": None}, {"expanded_devices": [], "state": {"network": []}}),
        {"expanded_devices": {"eth0": "x"}, "state": {"network": {"eth0": "x"}}},
        {"expanded_devices": {"root": {"type": "disk"}}, "state": {"network": {"eth0": {"addresses": []}}}},
    ],
)
def test_a_record_that_is_not_to_be_seen_says_nothing(raw):
    assert from_raw(raw) is None


def test_nonsense_in_a_record_is_passed_over():
    raw = {
        "expanded_devices": {"eth0": {"type": "nic"}},
        "state": {"network": {"eth0": {"addresses": [None, {}, {"family": "inet", "address": "-oProxyCommand=x"}]}}},
    }

    assert from_raw(raw) == frozenset()


@pytest.mark.parametrize(
    ("device", "interface"), [({"type": "nic", "name": "net0"}, "net0"), ({"type": "nic"}, "eth0")]
)
def test_a_card_is_known_by_its_name_in_the_guest(device, interface):
    addresses = {"addresses": [{"family": "inet", "address": "10.0.0.5"}, {"family": "inet6", "address": "fd00::5"}]}
    other = {"hwaddr": "", "addresses": [{"family": "inet", "address": "172.17.0.1"}]}

    raw = {"expanded_devices": {"eth0": device}, "state": {"network": {interface: addresses, "docker0": other}}}

    assert from_raw(raw) == {"10.0.0.5", "fd00::5"}
