# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of the NAS a new container is attached to, and its choices."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Nic

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire


@dataclass(frozen=True)
class Interface:
    """An interface of the NAS that is up and has an IPv4 address, as it is live."""

    name: str
    kind: str
    """C(physical), C(bridge), C(link_aggregation), C(vlan) or C(unknown)."""
    addresses: tuple[ipaddress.IPv4Interface, ...]

    def nic(self) -> Nic:
        """How a container is attached to it: bridged to a bridge, by macvlan to all else."""
        return Nic(parent=self.name, type="bridged" if self.kind == "bridge" else "macvlan")

    def holds(self, gateway: ipaddress.IPv4Address | None) -> bool:
        return gateway is not None and any(gateway in address.network for address in self.addresses)


def interfaces(wire: Wire) -> list[Interface]:
    """The interfaces of the NAS that are up and have an IPv4 address."""
    rows = wire.read("interface.query")
    found = (interface(row) for row in rows)
    return [each for each in found if each is not None]


def default_gateway(wire: Wire) -> ipaddress.IPv4Address | None:
    """The first IPv4 default route of the NAS."""
    for route in wire.read("network.general.summary")["default_routes"]:
        try:
            return ipaddress.IPv4Address(route)
        except ValueError:
            continue
    return None


def interface(row: t.Mapping[str, t.Any]) -> Interface | None:
    state = row["state"]
    if state["link_state"] != "LINK_STATE_UP":
        return None
    # state.aliases is what the interface has; aliases is only what was configured by hand, and empty on DHCP.
    addresses = tuple(
        ipaddress.IPv4Interface(f"{alias['address']}/{alias['netmask']}")
        for alias in state["aliases"]
        if alias["type"] == "INET"
    )
    return Interface(row["name"], row["type"].lower(), addresses) if addresses else None


def preferred(candidates: t.Sequence[Interface], gateway: ipaddress.IPv4Address | None) -> Interface | None:
    """The interface whose network holds the default gateway, else the first one; a physical one wins over others."""
    order = sorted(candidates, key=lambda each: (not each.holds(gateway), each.kind != "physical"))
    return order[0] if order else None
