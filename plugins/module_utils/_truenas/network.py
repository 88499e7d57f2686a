# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interfaces of the NAS, and the one to which a new container is attached by default."""

from __future__ import annotations

import contextlib
import ipaddress
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Nic

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire


@dataclass(frozen=True)
class Interface:
    """An interface of the NAS that is up and has an IPv4 address."""

    name: str
    kind: str
    """`physical`, `bridge`, `link_aggregation`, `vlan` or `unknown`."""
    addresses: tuple[ipaddress.IPv4Interface, ...]

    def nic(self) -> Nic:
        """Return the NIC of a container that is attached to it: `bridged` to a bridge, `macvlan` to any other."""
        return Nic(parent=self.name, type="bridged" if self.kind == "bridge" else "macvlan")

    def holds(self, gateway: ipaddress.IPv4Address | None) -> bool:
        """Return whether the gateway is in one of its networks."""
        return gateway is not None and any(gateway in address.network for address in self.addresses)


def interfaces(wire: Wire) -> list[Interface]:
    """Return the interfaces of the NAS that are up and have an IPv4 address."""
    rows = wire.read("interface.query")
    found = (interface(row) for row in rows)
    return [each for each in found if each is not None]


def default_gateway(wire: Wire) -> ipaddress.IPv4Address | None:
    """Return the gateway of the first IPv4 default route of the NAS."""
    for route in wire.read("network.general.summary")["default_routes"]:
        try:
            return ipaddress.IPv4Address(route)
        except ValueError:
            continue
    return None


def networks(*texts: t.Any) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Return the networks of addresses such as `10.0.0.1/24`; anything else is ignored."""
    found = []
    for text in texts:
        with contextlib.suppress(ValueError):
            if isinstance(text, str):
                found.append(ipaddress.ip_interface(text).network)
    return found


def interface(row: t.Mapping[str, t.Any]) -> Interface | None:
    """Convert a row of `interface.query`; None if it is down, has no address, or has an invalid name."""
    state = row["state"]
    if state["link_state"] != "LINK_STATE_UP" or not values.is_interface(row["name"]):
        return None
    # state.aliases has the current addresses; aliases has only static ones, and is empty with DHCP.
    found = (ipv4_interface(alias) for alias in state["aliases"] if alias["type"] == "INET")
    addresses = tuple(each for each in found if each is not None)
    return Interface(row["name"], row["type"].lower(), addresses) if addresses else None


def ipv4_interface(alias: t.Mapping[str, t.Any]) -> ipaddress.IPv4Interface | None:
    """Return the address of an alias with its network; None for an invalid one."""
    prefix = values.prefix_length(alias.get("netmask"), "ipv4")
    packed = values.packed_address("ipv4", alias.get("address"))
    if packed is None or prefix is None:
        return None
    return ipaddress.IPv4Interface(f"{values.format_address(packed)}/{prefix}")


def preferred(candidates: t.Sequence[Interface], gateway: ipaddress.IPv4Address | None) -> Interface | None:
    """Return the interface with the default gateway in its network, else the first one; physical ones first."""
    order = sorted(candidates, key=lambda each: (not each.holds(gateway), each.kind != "physical"))
    return order[0] if order else None
