# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses a running container has, by the tables of its own kernel namespace: TrueNAS 26 tells of none.

C(/proc/<pid>/net) of its init is a file of the NAS like any other, for full administrators (C(filesystem.get)).
"""

from __future__ import annotations

import contextlib
import ipaddress
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
    Refused,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import files
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Address

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

# Below the ten calls that the NAS runs at once for one session; each of these is a connection of its own as well.
AT_ONCE = 6

# Of a container that stops just now there is nothing to read, and to know no address is nothing unusual.
UNKNOWN = (NotFound, Refused, NotPermitted, ConnectionFailed, TimedOut, OutcomeUnknown)

LOOPBACK = ipaddress.IPv4Address("127.0.0.1")

GLOBAL = 0x00
"""The scope of an IPv6 address that others can reach."""


def addresses(wire: Wire, pids: t.Sequence[int]) -> list[tuple[Address, ...]]:
    """Those of the containers whose inits have these numbers on the NAS; none where they cannot be seen."""
    wanted = [(pid, table) for pid in pids for table in ("fib_trie", "if_inet6")]
    if not wanted:
        return []
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(wanted))) as pool:
        texts = list(pool.map(lambda each: read(wire, *each), wanted))
    return [
        # Few have more than one, and need another look.
        told(fib, inet6, read(wire, pid, "route") if len(ipv4(fib)) > 1 else "")
        for pid, fib, inet6 in zip(pids, texts[::2], texts[1::2], strict=True)
    ]


def read(wire: Wire, pid: int, table: str) -> str:
    path = f"/proc/{pid}/net/{table}"
    with contextlib.suppress(*UNKNOWN):
        try:
            found = files.read(wire, path)
        except OutcomeUnknown:
            # The connection broke off as it was asked for, which may be done again.
            found = files.read(wire, path)
        return found.decode("ascii", "replace")
    return ""


def told(fib_trie: str, if_inet6: str, route: str) -> tuple[Address, ...]:
    """All addresses in the tables of that name: first the one next to the default gateway, then those of bridges."""
    gateway = default_gateway(route)
    return (*sorted(ipv4(fib_trie), key=lambda each: not is_next_to(each, gateway)), *ipv6(if_inet6))


def is_next_to(found: Address, gateway: ipaddress.IPv4Address | None) -> bool:
    network = ipaddress.IPv4Interface(f"{found.address}/{32 if found.prefix is None else found.prefix}").network
    return gateway is not None and gateway in network


def ipv4(fib_trie: str) -> list[Address]:
    """The IPv4 addresses in C(fib_trie), without the one of the loopback interface."""
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
        # Everywhere; another one of its network was given on purpose.
        if each != LOOPBACK
    ]


def ipv6(if_inet6: str) -> list[Address]:
    """The global IPv6 addresses in C(if_inet6): address, interface, length of the prefix, scope, flags, name."""
    rows = (line.split() for line in if_inet6.splitlines())
    return [
        Address("ipv6", str(ipaddress.IPv6Address(bytes.fromhex(row[0]))), int(row[2], 16))
        for row in rows
        if len(row) == 6 and int(row[3], 16) == GLOBAL
    ]


def default_gateway(route: str) -> ipaddress.IPv4Address | None:
    """The gateway of the default route in C(route), whose numbers are as they lie in memory."""
    for line in route.splitlines()[1:]:
        _interface, destination, gateway, *_rest = [*line.split(), "", "", ""]
        if destination == "00000000" and gateway not in ("", "00000000"):
            return ipaddress.IPv4Address(int.from_bytes(bytes.fromhex(gateway), "little"))
    return None
