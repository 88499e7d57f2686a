# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Determine whether a bridge of the NAS keeps the pixels on it from the NAS and all other networks.

A bridge without ports and addresses is still open: the NAS answers on its IPv6 link-local address, and forwards
datagrams that are sent to its MAC address. Two sysctls close that, measured in network namespaces of Linux 6.18. A
macvlan interface on the bridge is closed without them, unless the bridge has or had a port.
"""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.sysctls import Sysctl

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Attachment
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.host_network import HostInterface

YES, NO, UNKNOWN = "yes", "no", "unknown"

SYSCTLS: dict[str, tuple[str, ...]] = {
    "net.ipv4.conf.{}.rp_filter": ("1", "2"),
    "net.ipv6.conf.{}.disable_ipv6": ("1",),
}
"""The values that close a bridge, by the name of the sysctl with a place for the bridge; the first one is set."""

OPEN_WITHOUT = {
    "net.ipv4.conf.{}.rp_filter": "the NAS may forward datagrams from {bridge}: {name} is not set to 1 by the NAS",
    "net.ipv6.conf.{}.disable_ipv6": "the NAS may answer on {bridge} over IPv6: {name} is not set to 1 by the NAS",
}


class Isolation(t.NamedTuple):
    """Whether a bridge is isolated, and what is open."""

    isolated: str
    """`yes`, `no`, or `unknown` where something may be open."""
    open: tuple[str, ...]
    """Clauses for the user."""


def wanted_sysctls(bridge: str) -> dict[str, tuple[str, ...]]:
    """Return the values that close a bridge, by the name of the sysctl."""
    return {pattern.format(bridge): values for pattern, values in SYSCTLS.items()}


def is_set(sysctl: Sysctl | None, values: t.Collection[str]) -> bool:
    """Return whether the NAS sets a sysctl to one of these values."""
    return sysctl is not None and sysctl.is_enabled and sysctl.value in values


def states(found: t.Mapping[str, Sysctl], bridge: str) -> dict[str, str | None]:
    """Return the value that the NAS sets for each sysctl, as the diff shows it; None where it sets none."""
    return {
        name: found[name].value if name in found and found[name].is_enabled else None for name in wanted_sysctls(bridge)
    }


def judge(
    bridge: HostInterface,
    sysctls: t.Mapping[str, Sysctl] | None,
    attachments: t.Iterable[Attachment],
    *,
    nic_type: str,
) -> Isolation:
    """Determine whether a bridge is isolated.

    `sysctls` are those that the NAS sets, None if the account may not read them. `nic_type` is the type of NICs that
    this release attaches to segments.
    """
    closed = [f"{bridge.name} has the port {each}" for each in bridge.members]
    closed += [
        f"the NAS has the address {each} on {bridge.name}" for each in dict.fromkeys(bridge.aliases + bridge.live)
    ]
    if bridge.ipv4_dhcp or bridge.ipv6_auto:
        closed.append(f"the NAS gets an address on {bridge.name} automatically")
    ports = sorted({each.container for each in attachments if each.parent == bridge.name and each.type != nic_type})
    bypassed = nic_type == "macvlan" and not ports
    doubts = [f"{each} is attached to {bridge.name} with the type bridged, not {nic_type}" for each in ports]
    if not bypassed:
        doubts += open_sysctls(bridge.name, sysctls)
    if closed:
        return Isolation(NO, (*closed, *doubts))
    return Isolation(UNKNOWN if doubts else YES, tuple(doubts))


def open_sysctls(bridge: str, sysctls: t.Mapping[str, Sysctl] | None) -> list[str]:
    """Return what may be open because the NAS does not set a sysctl, or because that is not known."""
    if sysctls is None:
        return [f"the sysctls of {bridge} are unknown: the account does not have the role SYSTEM_TUNABLE_READ"]
    return [
        OPEN_WITHOUT[pattern].format(bridge=bridge, name=pattern.format(bridge))
        for pattern, values in SYSCTLS.items()
        if not is_set(sysctls.get(pattern.format(bridge)), values)
    ]
