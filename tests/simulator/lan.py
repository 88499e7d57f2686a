# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network of the simulated NAS, and the rows of `interface.query`."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass, field

from tests.simulator.releases import Release

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

    def row(self, release: Release) -> Row:
        """The entry of interface.query: `aliases` stays empty on DHCP, `state.aliases` never lies."""
        return {
            "id": self.name,
            "name": self.name,
            "fake": False,
            "type": self.type,
            "aliases": [alias(address) for address in self.static],
            "ipv4_dhcp": self.dhcp,
            "ipv6_auto": self.dhcp,
            "description": "",
            "mtu": None,
            "state": self.state(release),
            **self.details,
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
            "cloned": self.type != "PHYSICAL",
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


def summary(interfaces: t.Iterable[Interface], routes: t.Sequence[str], nameservers: t.Sequence[str]) -> Row:
    """Return network.general.summary, which omits interfaces without an address."""
    ips: dict[str, dict[str, list[str]]] = {}
    for interface in interfaces:
        for address in interface.live:
            version = ipaddress.ip_interface(address).version
            ips.setdefault(interface.name, {}).setdefault(f"IPV{version}", []).append(address)
    return {"ips": ips, "default_routes": list(routes), "nameservers": list(nameservers)}
