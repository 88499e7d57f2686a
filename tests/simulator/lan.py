# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of the simulated NAS, and the rows of `interface.query`."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field

from tests.simulator.releases import Release

if t.TYPE_CHECKING:
    from tests.simulator.world import World

Row = dict[str, t.Any]

VLAN_MEMBERS = ("vlan_parent_interface", "vlan_tag", "vlan_pcp")


@dataclass
class Interface:
    """One interface; `live` are its current addresses, `static` the configured ones."""

    name: str
    type: str = "PHYSICAL"
    """`PHYSICAL`, `BRIDGE`, `LINK_AGGREGATION` or `VLAN`."""
    live: tuple[str, ...] = ()
    """`192.168.1.10/24`."""
    static: tuple[str, ...] = ()
    dhcp: bool = False
    up: bool = True
    mac: str = "3c:ec:ef:00:00:01"
    details: Row = field(default_factory=dict)
    """Members that only this type has."""
    description: str = ""
    configured: bool = True
    """The database of the middleware has it. A new NAS has no interface there, and uses DHCP on all."""
    made: bool = True
    """The kernel has it. One that was created gets there with a commit."""

    @property
    def cloned(self) -> bool:
        return self.type != "PHYSICAL"

    def row(self, release: Release, *, nothing_configured: bool = False) -> Row:
        """The entry of interface.query: `aliases` stays empty on DHCP, `state.aliases` never lies.

        With `nothing_configured`, the database has no interface at all, and each reads as if it was on DHCP.
        """
        dhcp = self.dhcp if self.configured else nothing_configured
        return {
            "id": self.name,
            "name": self.name,
            "fake": not self.made,
            "type": self.type,
            "aliases": [alias(address) for address in self.static] if self.configured else [],
            "ipv4_dhcp": dhcp,
            "ipv6_auto": dhcp,
            "description": self.description if self.configured else "",
            "mtu": None,
            "state": self.state(release) if self.made else self.missing_state(),
            **(self.details if self.configured else {}),
        }

    def missing_state(self) -> Row:
        """The state of an interface that the kernel does not have."""
        texts = ("link_address", "hardware_link_address", "link_state", "media_type", "media_subtype")
        return {
            "name": self.name,
            "orig_name": self.name,
            "description": self.description,
            "aliases": [],
            "permanent_link_address": None,
            "cloned": True,
            "mtu": 1500,
            "flags": [],
            "nd6_flags": [],
            "capabilities": [],
            "supported_media": [],
            "media_options": [],
            "vrrp_config": [],
            "rx_queues": 1,
            "tx_queues": 1,
            **dict.fromkeys((*texts, "active_media_type", "active_media_subtype"), ""),
        }

    def state(self, release: Release) -> Row:
        link = {"type": "LINK", "address": self.mac}
        lag: Row = {"ports": [], "xmit_hash_policy": None, "lacpdu_rate": None}
        vlan: Row = {"parent": None, "tag": None, "pcp": None}
        if self.type == "VLAN":
            vlan = dict(zip(vlan, (self.details[member] for member in VLAN_MEMBERS), strict=True))
        return {
            "name": self.name,
            "orig_name": self.name,
            "description": self.name,
            "mtu": 1500,
            "cloned": self.cloned,
            "flags": ["UP", "BROADCAST", "RUNNING", "MULTICAST", "LOWER_UP"] if self.up else ["BROADCAST", "MULTICAST"],
            "nd6_flags": [],
            "capabilities": [],
            "link_state": "LINK_STATE_UP" if self.up else "LINK_STATE_DOWN",
            "media_type": "Ethernet",
            "media_subtype": "autoselect",
            "active_media_type": "Ethernet",
            "active_media_subtype": "1000Mb/s Twisted Pair",
            "supported_media": [],
            "media_options": None,
            "link_address": self.mac,
            "permanent_link_address": self.mac,
            "hardware_link_address": self.mac,
            "rx_queues": 8,
            "tx_queues": 8,
            "aliases": [link, *({**alias(address), **broadcast(address)} for address in self.live)],
            "vrrp_config": None,
            **(lag if release.interface_state_has_lag_fields else {}),
            **(vlan if self.type == "VLAN" else {}),
        }


def alias(address: str) -> Row:
    interface = ipaddress.ip_interface(address)
    family = "INET" if interface.version == 4 else "INET6"
    return {"type": family, "address": str(interface.ip), "netmask": interface.network.prefixlen}


def broadcast(address: str) -> Row:
    interface = ipaddress.ip_interface(address)
    return {"broadcast": str(interface.network.broadcast_address)} if interface.version == 4 else {}


def physical(name: str = "eno1", address: str = "192.168.1.10/24", *, dhcp: bool = True) -> Interface:
    """A port of the box; on DHCP its address is not among the configured ones."""
    return Interface(name, live=(address, "fe80::3eec:efff:fe00:1/64"), static=() if dhcp else (address,), dhcp=dhcp)


def bridge(name: str = "br0", members: t.Sequence[str] = ("eno1",), address: str = "192.168.1.10/24") -> Interface:
    details = {"bridge_members": list(members), "stp": True, "enable_learning": True}
    return Interface(name, "BRIDGE", live=(address,), static=(address,), details=details)


def segment(name: str = "br77") -> Interface:
    """A bridge without ports and addresses."""
    details = {"bridge_members": [], "stp": False, "enable_learning": True}
    return Interface(name, "BRIDGE", static=(), details=details)


def lagg(name: str = "bond0", ports: t.Sequence[str] = ("eno1", "eno2"), address: str = "192.168.1.10/24") -> Interface:
    details = {"lag_protocol": "LACP", "lag_ports": list(ports), "xmit_hash_policy": "LAYER2+3", "lacpdu_rate": "SLOW"}
    return Interface(name, "LINK_AGGREGATION", live=(address,), static=(address,), details=details)


def vlan(name: str = "vlan10", parent: str = "eno1", tag: int = 10, address: str = "192.168.10.10/24") -> Interface:
    details = dict(zip(VLAN_MEMBERS, (parent, tag, 0), strict=True))
    return Interface(name, "VLAN", live=(address,), static=(address,), details=details)


def default() -> dict[str, Interface]:
    """One port on DHCP, one without a link: what a fresh box looks like."""
    ports = [physical(), Interface("eno2", up=False, mac="3c:ec:ef:00:00:02")]
    return {port.name: port for port in ports}


def configure_statically(world: World) -> None:
    """Configure a NAS so that nothing comes from DHCP alone."""
    world.interfaces["eno1"] = physical(dhcp=False)
    world.network.gateway, world.network.nameservers = "192.168.1.1", ["192.168.1.1"]


def rows(interfaces: t.Collection[Interface], release: Release) -> list[Row]:
    """The entries of interface.query, which hides those that were made by other programs, or are to be deleted."""
    nothing_configured = not any(each.configured for each in interfaces)
    listed = (each for each in interfaces if each.configured or not each.cloned)
    return [each.row(release, nothing_configured=nothing_configured) for each in listed]


def summary(interfaces: t.Iterable[Interface], routes: t.Sequence[str], nameservers: t.Sequence[str]) -> Row:
    """Return network.general.summary, which omits interfaces without an address."""
    ips: dict[str, dict[str, list[str]]] = {}
    for interface in interfaces:
        for address in interface.live:
            version = ipaddress.ip_interface(address).version
            ips.setdefault(interface.name, {}).setdefault(f"IPV{version}", []).append(address)
    return {"ips": ips, "default_routes": list(routes), "nameservers": list(nameservers)}
