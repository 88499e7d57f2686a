# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network configuration of the NAS: its interfaces, and changes of them that are pending until a commit.

Changes go to the database of the middleware immediately. A commit applies all pending changes of all clients, and the
middleware takes it back unless a client checks in before a timeout. Source: plugins/network.py of 25.04, 25.10 and 26.
"""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotPermitted, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import RoleErrors

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

Row = t.Mapping[str, t.Any]

READ = ("NETWORK_INTERFACE_READ",)
WRITE = ("NETWORK_INTERFACE_WRITE",)

DEFAULT_ROUTE = "ipv4gateway"
"""What `interface.network_config_to_be_removed` calls the IPv4 default route."""


@dataclass(frozen=True)
class HostInterface:
    """An interface of the NAS, as it is configured and as it is."""

    name: str
    kind: str
    """`physical`, `bridge`, `link_aggregation`, `vlan` or `unknown`."""
    is_pending: bool
    """Whether the configuration has it and the kernel does not."""
    description: str
    aliases: tuple[str, ...]
    """Configured addresses, such as `192.168.1.10/24`."""
    live: tuple[str, ...]
    """Current addresses of global scope."""
    ipv4_dhcp: bool
    ipv6_auto: bool
    members: tuple[str, ...] = ()
    """Ports of a bridge."""
    has_stp: bool = False
    settings: tuple[t.Any, ...] = ()
    """Its other settings, for comparison."""

    @property
    def has_configured_address(self) -> bool:
        """Whether the configuration gives it an address."""
        return bool(self.ipv4_dhcp or self.ipv6_auto or self.aliases)


class HostNetwork:
    """The network configuration of one NAS. Errors name the role that an account lacks."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def interfaces(self) -> list[HostInterface]:
        """Return the interfaces, without those with invalid names."""
        with RoleErrors(READ):
            rows = self._wire.read("interface.query")
        return [interface(row) for row in rows if values.is_interface(row["name"])]

    def has_pending_changes(self) -> bool | None:
        """Return whether changes wait for a commit or a check-in; None if the account may not know it."""
        try:
            return bool(self._wire.read("interface.has_pending_changes"))
        except NotPermitted:
            return None

    def seconds_to_check_in(self) -> int | None:
        """Return how long a commit still waits for a check-in; None if none waits."""
        with RoleErrors(WRITE):
            found: int | None = self._wire.read("interface.checkin_waiting")
        return found

    def is_highly_available(self) -> bool:
        """Return whether the NAS is licensed for high availability."""
        return bool(self._wire.read("failover.licensed"))

    def used_interface(self) -> str | None:
        """Return the interface that this session is connected to; None if the NAS cannot tell."""
        with RoleErrors(READ):
            row = self._wire.read("interface.websocket_interface")
        return row["name"] if row is not None and values.is_interface(row["name"]) else None

    def settings_lost(self) -> tuple[str, ...]:
        """Return settings that a commit removes because only DHCP provides them, such as `the default route`.

        25.04 reports the default route only.
        """
        with RoleErrors(WRITE):
            try:
                lost = self._wire.read("interface.network_config_to_be_removed")
            except Unsupported:
                lost = [DEFAULT_ROUTE] if self._wire.read("interface.default_route_will_be_removed") else []
        servers = any(each != DEFAULT_ROUTE for each in lost)
        return (*(["the default route"] if DEFAULT_ROUTE in lost else []), *(["name servers"] if servers else []))

    def create_bridge(self, name: str, description: str) -> None:
        """Add a bridge without members, addresses and spanning tree to the pending changes."""
        bridge = {
            "type": "BRIDGE",
            "name": name,
            "description": description,
            "bridge_members": [],
            "aliases": [],
            # With STP, a port forwards 30 s after it appears, and macvlan on the bridge never does.
            "stp": False,
        }
        with RoleErrors(WRITE):
            self._wire.call("interface.create", bridge)

    def delete(self, name: str) -> None:
        """Add the deletion of an interface to the pending changes."""
        with RoleErrors(WRITE):
            self._wire.call("interface.delete", name)

    def commit(self, *, checkin_timeout_s: int) -> None:
        """Apply all pending changes. The NAS takes them back unless a client checks in within the timeout."""
        with RoleErrors(WRITE):
            self._wire.call("interface.commit", {"rollback": True, "checkin_timeout": checkin_timeout_s})

    def check_in(self) -> None:
        """Keep a commit. Without one, forget what the configuration was before the pending changes."""
        with RoleErrors(WRITE):
            self._wire.call("interface.checkin")


def interface(row: Row) -> HostInterface:
    """Convert a row of `interface.query`."""
    known = ("mtu", "lag_protocol", "lag_ports", "vlan_parent_interface", "vlan_tag", "vlan_pcp", "enable_learning")
    members = row.get("bridge_members")
    return HostInterface(
        name=row["name"],
        kind=row["type"].lower(),
        is_pending=bool(row["fake"]),
        description=row["description"],
        aliases=addresses(row["aliases"]),
        live=addresses(row["state"]["aliases"]),
        ipv4_dhcp=bool(row["ipv4_dhcp"]),
        ipv6_auto=bool(row["ipv6_auto"]),
        members=tuple(each for each in members or () if values.is_interface(each)),
        has_stp=bool(row.get("stp")),
        settings=tuple(row.get(name) for name in known),
    )


def addresses(aliases: t.Iterable[Row]) -> tuple[str, ...]:
    """Return the valid addresses that another machine can connect to, with their prefix lengths, sorted."""
    found = []
    for alias in aliases:
        family = values.FAMILIES.get(str(alias.get("type")))
        if family is None:
            continue
        with contextlib.suppress(TypeError):
            packed = values.packed_address(family, alias.get("address"))
            prefix = values.prefix_length(alias.get("netmask"), family)
            if packed is not None and prefix is not None:
                found.append(f"{values.format_address(packed)}/{prefix}")
    return tuple(sorted(found))
