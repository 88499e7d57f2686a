# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the addresses of a running container from its kernel tables: TrueNAS 26 reports none.

Full administrators can read `/proc/<pid>/net` of its init with `filesystem.get`, as any file of the NAS.
"""

from __future__ import annotations

import contextlib
import ipaddress
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
    Refused,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import files, values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Address

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

MAX_PARALLEL = 6
"""Reads at the same time, each with a call and a connection. The NAS runs ten calls for one session."""

UNREADABLE = (NotFound, Refused, NotPermitted, ConnectionFailed, TimedOut, OutcomeUnknown)
"""Errors that leave the addresses unknown, such as those for a container that has just stopped."""

LOOPBACK = ipaddress.IPv4Address("127.0.0.1")

GLOBAL = 0x00
"""The scope of a global IPv6 address."""
UNUSABLE = 0x08 | 0x40
"""Flags of an IPv6 address that another machine has as well (`IFA_F_DADFAILED`) or may have (`IFA_F_TENTATIVE`)."""

NIC_PREFIX = "eth"
"""The prefix of the names of NICs in a container (TrueNAS 26, integration test `test_network`)."""

DEFAULT_NIC, OTHER_NIC, DEFAULT_ROUTE, UNKNOWN_INTERFACE, LIKELY_BRIDGE, OTHER = range(6)
"""Ranks of an address, the most likely address of the NIC first; `OTHER` is never one."""


def addresses(wire: Wire, pids: t.Sequence[int]) -> list[tuple[Address, ...]]:
    """Return the addresses of each container, given the process IDs of their inits; none if they cannot be read."""
    tables = [(pid, table) for pid in pids for table in ("fib_trie", "if_inet6")]
    if not tables:
        return []
    with ThreadPoolExecutor(max_workers=min(MAX_PARALLEL, len(tables))) as pool:
        texts = list(pool.map(lambda each: read_table(wire, *each), tables))
    contents = zip(pids, texts[::2], texts[1::2], strict=True)
    return [addresses_of_tables(wire, pid, fib_trie, if_inet6) for pid, fib_trie, if_inet6 in contents]


def addresses_of_tables(wire: Wire, pid: int, fib_trie: str, if_inet6: str) -> tuple[Address, ...]:
    """Return the addresses of one container; none if its tables are invalid."""
    try:
        found = parse_addresses(fib_trie, if_inet6, "")
        # Few containers have several addresses; only those need the routes.
        return parse_addresses(fib_trie, if_inet6, read_table(wire, pid, "route")) if are_unclear(found) else found
    except ValueError:
        return ()


def are_unclear(found: t.Sequence[Address]) -> bool:
    """Return whether some of the addresses may belong to other interfaces than the NIC."""
    of_ipv4 = [each for each in found if each.family == "ipv4"]
    return len(of_ipv4) > 1 or any(map(values.is_bridge, of_ipv4))


def read_table(wire: Wire, pid: int, table: str) -> str:
    """Return a table of a process; empty if it cannot be read."""
    path = f"/proc/{pid}/net/{table}"
    with contextlib.suppress(*UNREADABLE):
        try:
            found = files.read(wire, path)
        except OutcomeUnknown:
            # The connection was lost; reading again is harmless.
            found = files.read(wire, path)
        return found.decode("ascii", "replace")
    return ""


def parse_addresses(fib_trie: str, if_inet6: str, route: str) -> tuple[Address, ...]:
    """Return all addresses in the tables `/proc/net/fib_trie` and `if_inet6`, those of the NIC first.

    `route` is empty if it was not read. Raises `ValueError` for invalid tables.
    """
    interfaces = [*((each, interface_of(each, route)) for each in ipv4(fib_trie)), *ipv6(if_inet6)]
    default = default_interface(route)
    marked: list[Address] = []
    for family in ("ipv4", "ipv6"):
        of_family = [(each, name) for each, name in interfaces if each.family == family]
        ranks = [rank(each, name, default) for each, name in of_family]
        best = min(ranks, default=OTHER)
        marked += [
            replace(each, own=own == best and own < OTHER) for (each, _name), own in zip(of_family, ranks, strict=True)
        ]
    # Without the routes the rank is a guess, which does not change the order.
    return tuple(sorted(marked, key=lambda each: (each.family, not each.own)) if route else marked)


def rank(found: Address, interface: str | None, default: str | None) -> int:
    """Return how likely an address belongs to the NIC, which TrueNAS names `eth0`.

    If the guest attaches its NIC to a bridge of its own, the bridge has the address and the default route.
    """
    if interface is None:
        return LIKELY_BRIDGE if values.is_bridge(found) else UNKNOWN_INTERFACE
    if interface.startswith(NIC_PREFIX):
        return DEFAULT_NIC if interface == default else OTHER_NIC
    return DEFAULT_ROUTE if interface == default else OTHER


def interface_of(found: Address, route: str) -> str | None:
    """Return the interface of the network with an address, by `route`; else that of a gateway in the same network."""
    address = ipaddress.IPv4Address(found.address)
    known = routes(route)
    matching = [each for each in known if not int(each.gateway) and each.network.prefixlen and address in each.network]
    if matching:
        return max(matching, key=lambda each: each.network.prefixlen).interface
    own = ipaddress.IPv4Interface(f"{address}/{32 if found.prefix is None else found.prefix}").network
    return next((each.interface for each in known if int(each.gateway) and each.gateway in own), None)


def default_interface(route: str) -> str | None:
    """Return the interface of the default route in `route`."""
    return next((each.interface for each in routes(route) if not each.network.prefixlen), None)


DEFAULT_DESTINATION = "00000000"
MASK_COLUMN = 4
"""The column of the mask, counted after the first three."""


class Route(t.NamedTuple):
    """A line of `/proc/net/route`."""

    interface: str
    network: ipaddress.IPv4Network
    gateway: ipaddress.IPv4Address


def routes(table: str) -> list[Route]:
    """Return the routes in `/proc/net/route`. Raises `ValueError`."""
    found = []
    for line in table.splitlines()[1:]:
        interface, destination, gateway, *rest = [*line.split(), "", "", ""]
        if len(rest) > MASK_COLUMN:
            network = ipaddress.IPv4Network(f"{parse_address(destination)}/{parse_address(rest[MASK_COLUMN])}")
        elif destination == DEFAULT_DESTINATION:
            network = ipaddress.IPv4Network(0).supernet(new_prefix=0)
        else:
            continue
        found.append(Route(interface, network, parse_address(gateway)))
    return found


def parse_address(word: str) -> ipaddress.IPv4Address:
    """Return an address in `/proc/net/route`: hexadecimal digits in the byte order of the machine (little-endian)."""
    return ipaddress.IPv4Address(int.from_bytes(bytes.fromhex(word), "little"))


def ipv4(fib_trie: str) -> list[Address]:
    """Return the IPv4 addresses in `/proc/net/fib_trie`, without 127.0.0.1."""
    local: dict[ipaddress.IPv4Address, None] = {}
    networks: set[ipaddress.IPv4Network] = set()
    last = ipaddress.IPv4Address(0)
    for line in fib_trie.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "|--":
            last = ipaddress.IPv4Address(words[1])
        elif words[:3] == ["/32", "host", "LOCAL"]:
            local[last] = None
        elif len(words) == 3 and words[1:] == ["link", "UNICAST"]:
            networks.add(ipaddress.IPv4Network(f"{last}{words[0]}"))
    return [
        Address("ipv4", str(each), max((net.prefixlen for net in networks if each in net), default=None))
        for each in local
        # Every machine has 127.0.0.1; other addresses of its network are configured on purpose.
        if each != LOOPBACK and values.packed_address("ipv4", str(each))
    ]


def ipv6(if_inet6: str) -> list[tuple[Address, str]]:
    """Return the global IPv6 addresses in `/proc/net/if_inet6`, each with its interface.

    The columns are address, index of the interface, prefix length, scope, flags, and name of the interface.
    """
    rows = (line.split() for line in if_inet6.splitlines())
    found = (
        (Address("ipv6", str(ipaddress.IPv6Address(bytes.fromhex(row[0]))), int(row[2], 16)), row[5])
        for row in rows
        if len(row) == 6 and int(row[3], 16) == GLOBAL and not int(row[4], 16) & UNUSABLE
    )
    return [each for each in found if values.packed_address("ipv6", each[0].address)]
