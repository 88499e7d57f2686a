# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what the kernel says of a container's addresses, in the formats of Linux."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

import pytest

from tests.simulator.domain import Domain
from tests.simulator.kernel_tables import KernelTables

ALIASES: list[dict[str, t.Any]] = [
    {"type": "INET", "address": "172.200.0.57", "netmask": 24},
    {"type": "INET6", "address": "fd42:4c58:43ae::57", "netmask": 64},
]
WEB = Domain("px-web", {}, "tank", status="RUNNING", pid=4242, aliases=ALIASES)


def table(domain: Domain, name: str) -> str:
    content = KernelTables({domain.name: domain}).file(f"/proc/4242/net/{name}")
    assert content is not None
    return content.decode()


def local(text: str) -> list[str]:
    """As Linux has it, an address of its own is followed by `/32 host LOCAL`."""
    lines = [line.strip() for line in text.splitlines()]
    pairs = itertools.pairwise(lines)
    return [line.removeprefix("|-- ") for line, after in pairs if after == "/32 host LOCAL"]


def test_an_ipv4_address_is_in_both_tables_beside_the_loopback() -> None:
    text = table(WEB, "fib_trie")

    assert text.startswith("Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n")
    assert text.count("Local:\n") == 1
    assert local(text) == ["127.0.0.1", "172.200.0.57"] * 2
    assert "     +-- 172.200.0.0/24 2 0 2\n        |-- 172.200.0.0\n           /24 link UNICAST\n" in text
    assert "        |-- 172.200.0.255\n           /32 link BROADCAST\n" in text


def test_ipv6_addresses_have_their_scope_and_their_interface() -> None:
    first, second, third = table(WEB, "if_inet6").splitlines()

    assert first == "fd424c5843ae00000000000000000057 02 40 00 80     eth0"
    assert second.split()[1:] == ["02", "40", "20", "80", "eth0"]
    assert second.startswith("fe80000000000000")
    assert third == "00000000000000000000000000000001 01 80 10 80       lo"


def test_a_container_without_an_address_has_the_kernels_own_only() -> None:
    bare = dataclasses.replace(WEB, aliases=[])

    assert local(table(bare, "fib_trie")) == ["127.0.0.1"] * 2
    assert [line.split()[-1] for line in table(bare, "if_inet6").splitlines()] == ["eth0", "lo"]


@pytest.mark.parametrize("path", ["/proc/4243/net/fib_trie", "/proc/4242/net/route", "/proc/4242/net", "/etc"])
def test_no_other_file_is_one_of_these(path: str) -> None:
    assert KernelTables({"px-web": WEB}).file(path) is None


def test_networks_are_in_the_order_of_their_addresses() -> None:
    aliases = [{"type": "INET", "address": "10.0.0.5", "netmask": 8}, *ALIASES]

    text = table(dataclasses.replace(WEB, aliases=aliases), "fib_trie").partition("Local:")[0]

    assert [line.split()[1] for line in text.splitlines() if line.startswith("     +--")] == [
        *("10.0.0.0/8", "127.0.0.0/8", "172.200.0.0/24"),
    ]


def test_interfaces_that_the_guest_made_are_reported_from_the_card_by_the_routes() -> None:
    docker = {"docker0": [{"type": "INET", "address": "172.17.0.1", "netmask": 16}]}
    made = dataclasses.replace(WEB, bridges=docker)

    assert local(table(made, "fib_trie")) == ["127.0.0.1", "172.17.0.1", "172.200.0.57"] * 2
    first, second, third = [line.split() for line in table(made, "route").splitlines()[1:]]
    assert (first[0], first[1], first[7]) == ("docker0", "000011AC", "0000FFFF")
    assert (second[0], second[1], second[2]) == ("eth0", "00000000", "0100C8AC")
    assert (third[0], third[1], third[2]) == ("eth0", "0000C8AC", "00000000")
