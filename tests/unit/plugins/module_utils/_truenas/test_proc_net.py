# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the addresses in a container's kernel tables."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionLost,
    NotFound,
    OutcomeUnknown,
    Refused,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Address
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.proc_net import (
    addresses,
    default_interface,
    parse_addresses,
)

ONE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     +-- 172.200.0.0/24 2 0 2
        +-- 172.200.0.0/26 2 0 2
           |-- 172.200.0.0
              /24 link UNICAST
           |-- 172.200.0.57
              /32 host LOCAL
        |-- 172.200.0.255
           /32 link BROADCAST
Local:
  +-- 172.200.0.0/24 2 0 2
           |-- 172.200.0.57
              /32 host LOCAL
"""
WITH_DOCKER = """\
Main:
     +-- 172.17.0.0/16 2 0 2
        |-- 172.17.0.0
           /16 link UNICAST
        |-- 172.17.0.1
           /32 host LOCAL
     +-- 192.168.1.0/24 2 0 2
        |-- 192.168.1.0
           /24 link UNICAST
        |-- 192.168.1.50
           /32 host LOCAL
"""
ROUTE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
"""
INET6 = """\
00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000021698fffe123456 02 40 20 80     eth0
fd424c5843ae00000216a0fffe123456 02 40 00 80     eth0
"""


def test_the_addresses_of_its_interfaces_are_reported_with_their_prefixes():
    assert parse_addresses(ONE, INET6, "") == (
        Address("ipv4", "172.200.0.57", 24),
        Address("ipv6", "fd42:4c58:43ae:0:216:a0ff:fe12:3456", 64),
    )


def test_the_one_next_to_the_gateway_comes_before_those_of_bridges_inside():
    assert [each.address for each in parse_addresses(WITH_DOCKER, "", ROUTE)] == ["192.168.1.50", "172.17.0.1"]
    assert [each.address for each in parse_addresses(WITH_DOCKER, "", "")] == ["172.17.0.1", "192.168.1.50"]


def test_before_dhcp_there_is_none():
    assert parse_addresses("Main:\nLocal:\n", "", "") == ()
    assert parse_addresses("", "", "") == ()


class Files:
    """A NAS with these files, which remembers what was read."""

    nas = "nas"

    def __init__(self, files):
        self._files = files
        self.read_paths = []

    def download(self, method, path, timeout=None):
        assert method == "filesystem.get"
        self.read_paths.append(path)
        content = self._files.get(path, NotFound("no such file"))
        if isinstance(content, Exception):
            raise content
        return content.encode()


def test_those_of_several_containers_are_in_their_order():
    nas = Files({"/proc/10/net/fib_trie": ONE, "/proc/20/net/fib_trie": WITH_DOCKER, "/proc/20/net/route": ROUTE})

    found = addresses(nas, [20, 10])

    assert [each[0].address for each in found] == ["192.168.1.50", "172.200.0.57"]


def test_only_where_there_are_several_it_is_asked_which_is_first():
    nas = Files({"/proc/10/net/fib_trie": ONE, "/proc/10/net/if_inet6": INET6})

    addresses(nas, [10])

    assert sorted(nas.read_paths) == ["/proc/10/net/fib_trie", "/proc/10/net/if_inet6"]


@pytest.mark.parametrize(
    "failure", [NotFound("gone"), Refused("HTTP 404"), ConnectionLost("cut"), OutcomeUnknown("lost")]
)
def test_what_cannot_be_read_is_not_known_and_no_failure(failure):
    nas = Files({"/proc/10/net/fib_trie": failure, "/proc/10/net/if_inet6": failure, "/proc/20/net/fib_trie": ONE})

    assert [len(each) for each in addresses(nas, [10, 20])] == [0, 1]


def test_nothing_is_read_where_nothing_runs():
    nas = Files({})

    assert addresses(nas, []) == []
    assert nas.read_paths == []


def test_before_dhcp_a_bridge_of_docker_is_not_the_address_of_the_card():
    docker = WITH_DOCKER.partition("     +-- 192.168.1.0")[0]
    route = "".join(line for line in ROUTE.splitlines(keepends=True) if not line.startswith("eth0"))

    (found,) = parse_addresses(docker, "", route)

    assert (found.address, found.own) == ("172.17.0.1", False)


def test_a_card_in_a_bridge_of_the_guest_has_its_address_there():
    found = parse_addresses(WITH_DOCKER, "", ROUTE.replace("eth0", "br0"))

    assert [(each.address, each.own) for each in found] == [("192.168.1.50", True), ("172.17.0.1", False)]


def test_a_tunnel_with_the_default_route_does_not_take_the_place_of_the_card():
    lines = [line for line in ROUTE.splitlines() if "\t00000000\t0101A8C0" not in line]
    route = "\n".join([*lines, "docker0\t00000000\t00000000\t0003\t0\t0\t0\t00000000\t0\t0\t0"])

    assert [each.own for each in parse_addresses(WITH_DOCKER, "", route + CONNECTED)] == [True, False]


CONNECTED = "\neth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"


def test_an_address_of_a_bridge_in_ipv6_is_not_the_cards():
    bridge = "fd000000000000000000000000000001 03 40 00 80  docker0\n"

    found = [each for each in parse_addresses("", bridge + INET6, "") if each.own]

    assert [each.address for each in found] == ["fd42:4c58:43ae:0:216:a0ff:fe12:3456"]


@pytest.mark.parametrize("flags", ["08", "40", "c0"])
def test_an_address_that_another_machine_may_have_is_passed_over(flags):
    assert parse_addresses("", INET6.replace("00 80     eth0", f"00 {flags}     eth0"), "") == ()


@pytest.mark.parametrize(
    "text",
    [
        "  |-- -oProxyCommand=x\n     /32 host LOCAL\n",
        "  |-- 10.0.0.5%eth0\n     /32 host LOCAL\n",
        "  |-- 10.0.0.5\n     /99 link UNICAST\n",
    ],
)
def test_an_invalid_table_reports_no_address_and_spoils_no_other(text):
    nas = Files({"/proc/10/net/fib_trie": text, "/proc/20/net/fib_trie": ONE})

    assert [len(each) for each in addresses(nas, [10, 20])] == [0, 1]


@pytest.mark.parametrize("text", ["zz 02 40 00 80 eth0", "fd42 02 40 00 80 eth0", "x" * 32 + " 02 40 00 80 eth0"])
def test_invalid_data_about_ipv6_reports_no_address(text):
    nas = Files({"/proc/10/net/fib_trie": ONE, "/proc/10/net/if_inet6": text})

    assert addresses(nas, [10]) == [()]


def test_the_default_route_is_known_by_its_mask_or_where_there_is_none_by_its_destination():
    heading = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT"
    local, default = (
        "eth0 0000000A 00000000 0001 0 0 0 00FFFFFF 0 0 0",
        "eth1 00000000 0100000A 0003 0 0 0 00000000 0 0 0",
    )

    assert default_interface("\n".join([heading, local, default])) == "eth1"
    assert default_interface("\n".join([heading, local, "eth2 00000000 0100000A"])) == "eth2"
    assert default_interface("\n".join([heading, local])) is None
