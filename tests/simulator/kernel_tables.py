# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of a container in `/proc/PID/net` of the NAS."""

from __future__ import annotations

import ipaddress
import re
import typing as t
import zlib

from tests.simulator.container import CARD

if t.TYPE_CHECKING:
    from tests.simulator.container import Container

FILE = re.compile(r"/proc/(\d+)/net/(fib_trie|if_inet6|route)")
GLOBAL, LINK, HOST = 0x00, 0x20, 0x10
PERMANENT = 0x80
LOCALHOST = ipaddress.IPv4Interface("127.0.0.1/8")
LINK_LOCAL = int(ipaddress.IPv6Address("fe80::2a0:98ff:fe00:0"))
NIC, LOOPBACK = (2, CARD), (1, "lo")
NOWHERE = ipaddress.IPv4Address(0)
UP, GATEWAY = 1, 2
"""Flags of routes."""


class KernelTables:
    """Of the containers that run; what `aliases` does not show yet is not there either."""

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
        addresses = [
            (ipaddress.ip_interface(f"{each['address']}/{each['netmask']}"), name)
            for name, aliases in container.interfaces.items()
            for each in aliases
        ]
        of_ipv4 = [(each, name) for each, name in addresses if isinstance(each, ipaddress.IPv4Interface)]
        if found[2] == "fib_trie":
            return fib_trie([each for each, _name in of_ipv4]).encode()
        if found[2] == "route":
            # Where there is one interface it says nothing that the others do not.
            return route(of_ipv4).encode() if container.bridges else None
        own = ipaddress.IPv6Interface((LINK_LOCAL + (zlib.crc32(container.name.encode()) >> 8), 64))
        of_ipv6 = [(each, name) for each, name in addresses if isinstance(each, ipaddress.IPv6Interface)]
        return if_inet6(of_ipv6, own).encode()


def fib_trie(addresses: t.Sequence[ipaddress.IPv4Interface]) -> str:
    """Without policy routing rules, the kernel shows its two tables as one, so every address appears twice."""
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


def route(addresses: t.Sequence[tuple[ipaddress.IPv4Interface, str]]) -> str:
    """The networks of the interfaces, and the default route over the card to the first address of its network."""
    lines = ["Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"]
    for address, name in addresses:
        network = address.network
        if name == CARD:
            lines.append(line(name, NOWHERE, network.network_address + 1, NOWHERE, UP | GATEWAY))
        lines.append(line(name, network.network_address, NOWHERE, network.netmask, UP))
    return "".join(f"{each:<127}\n" for each in lines)


def line(
    name: str,
    destination: ipaddress.IPv4Address,
    gateway: ipaddress.IPv4Address,
    mask: ipaddress.IPv4Address,
    flags: int,
) -> str:
    """Numbers are shown as they lie in the memory of a little-endian machine."""
    words = [f"{int.from_bytes(each.packed, 'little'):08X}" for each in (destination, gateway, mask)]
    return "\t".join([name, words[0], words[1], f"{flags:04X}", "0", "0", "0", words[2], "0", "0", "0"])


def if_inet6(addresses: t.Sequence[tuple[ipaddress.IPv6Interface, str]], own: ipaddress.IPv6Interface) -> str:
    """`own` is the link-local address that the kernel assigns to the NIC."""
    loopback = ipaddress.IPv6Interface("::1/128")
    numbered = [(each, NIC if name == CARD else (3, name)) for each, name in addresses]
    lines = [*(row(each, GLOBAL, nic) for each, nic in numbered), row(own, LINK, NIC), row(loopback, HOST, LOOPBACK)]
    return "".join(lines)


def row(address: ipaddress.IPv6Interface, scope: int, interface: tuple[int, str]) -> str:
    number, name = interface
    numbers = (number, address.network.prefixlen, scope, PERMANENT)
    return f"{address.ip.packed.hex()} {' '.join(f'{each:02x}' for each in numbers)} {name:>8}\n"
