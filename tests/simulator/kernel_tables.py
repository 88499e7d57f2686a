# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does the kernel of the NAS say in C(/proc/PID/net) of a container's addresses?"""

from __future__ import annotations

import ipaddress
import re
import typing as t
import zlib

if t.TYPE_CHECKING:
    from tests.simulator.container import Container

FILE = re.compile(r"/proc/(\d+)/net/(fib_trie|if_inet6)")
GLOBAL, LINK, HOST = 0x00, 0x20, 0x10
PERMANENT = 0x80
LOCALHOST = ipaddress.IPv4Interface("127.0.0.1/8")
LINK_LOCAL = int(ipaddress.IPv6Address("fe80::2a0:98ff:fe00:0"))
NIC, LOOPBACK = (2, "eth0"), (1, "lo")


class KernelTables:
    """Of the containers that run; what C(aliases) does not show yet is not there either."""

    def __init__(self, containers: t.Mapping[str, Container]) -> None:
        self._containers = containers

    def file(self, path: str) -> bytes | None:
        """None for a file that is none of these, and for a process that is no container's init."""
        found = FILE.fullmatch(path)
        if found is None:
            return None
        container = next((each for each in self._containers.values() if each.pid == int(found[1])), None)
        if container is None:
            return None
        addresses = [ipaddress.ip_interface(f"{each['address']}/{each['netmask']}") for each in container.aliases]
        if found[2] == "fib_trie":
            return fib_trie([each for each in addresses if isinstance(each, ipaddress.IPv4Interface)]).encode()
        own = ipaddress.IPv6Interface((LINK_LOCAL + (zlib.crc32(container.name.encode()) >> 8), 64))
        return if_inet6([each for each in addresses if isinstance(each, ipaddress.IPv6Interface)], own).encode()


def fib_trie(addresses: t.Sequence[ipaddress.IPv4Interface]) -> str:
    """The kernel shows its two tables as one where nobody has made rules, so every address comes twice."""
    lines = ["  +-- 0.0.0.0/0 3 0 5"]
    if addresses:
        lines += leaf(5, "0.0.0.0", "/0 universe UNICAST")
    for address in sorted([LOCALHOST, *addresses]):
        lines += branch(address)
    table = "".join(f"{line}\n" for line in lines)
    return f"Main:\n{table}Local:\n{table}"


def branch(address: ipaddress.IPv4Interface) -> list[str]:
    """Of one network; all addresses of the loopback's are the host's own."""
    network, itself = address.network, address == LOCALHOST
    return [
        f"     +-- {network} 2 0 2",
        *(["        +-- 127.0.0.0/31 1 0 0"] if itself else []),
        *leaf(
            11 if itself else 8,
            str(network.network_address),
            f"/{network.prefixlen} {'host LOCAL' if itself else 'link UNICAST'}",
        ),
        *leaf(11 if itself else 8, str(address.ip), "/32 host LOCAL"),
        *leaf(8, str(network.broadcast_address), "/32 link BROADCAST"),
    ]


def leaf(indent: int, address: str, what: str) -> list[str]:
    return [f"{' ' * indent}|-- {address}", f"{' ' * (indent + 3)}{what}"]


def if_inet6(addresses: t.Sequence[ipaddress.IPv6Interface], own: ipaddress.IPv6Interface) -> str:
    """C(own) is the address that the kernel gives the NIC by itself."""
    loopback = ipaddress.IPv6Interface("::1/128")
    lines = [*(row(each, GLOBAL, NIC) for each in addresses), row(own, LINK, NIC), row(loopback, HOST, LOOPBACK)]
    return "".join(lines)


def row(address: ipaddress.IPv6Interface, scope: int, interface: tuple[int, str]) -> str:
    number, name = interface
    numbers = (number, address.network.prefixlen, scope, PERMANENT)
    return f"{address.ip.packed.hex()} {' '.join(f'{each:02x}' for each in numbers)} {name:>8}\n"
