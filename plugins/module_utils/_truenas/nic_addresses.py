# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out which addresses of a container belong to its NIC.

`virt.instance.query` on 25.04 and 25.10 lists the global addresses of all interfaces of the guest without the names of
the interfaces, but in their order: those of `br-…`, `cni0` and `docker0` come before that of `eth0`. The record of
Incus (`raw`) has the interfaces, but accounts without VIRT_INSTANCE_WRITE do not see it.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import values

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Address

    Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
    Addresses = tuple[Address, ...]


def from_raw(raw: object) -> frozenset[str] | None:
    """Return the addresses of a container's NICs from its record; None if the account does not see the record.

    NICs are the interfaces with the name or the MAC address of a device of the container. If the guest attaches its NIC
    to a bridge of its own, the bridge has the address, and the MAC address of the NIC.
    """
    devices, config = mapping(mapping(raw).get("expanded_devices")), mapping(mapping(raw).get("expanded_config"))
    interfaces = mapping(mapping(mapping(raw).get("state")).get("network"))
    nics = {key: mapping(device) for key, device in devices.items() if mapping(device).get("type") == "nic"}
    if not nics or not interfaces:
        return None
    names = {str(device.get("name") or key) for key, device in nics.items()}
    macs = {str(device.get("hwaddr") or config.get(f"volatile.{key}.hwaddr") or "") for key, device in nics.items()}
    own = [each for name, each in interfaces.items() if name in names or mapping(each).get("hwaddr") in macs - {""}]
    found: set[str] = set()
    for interface in own:
        for entry in mapping(interface).get("addresses") or ():
            family = {"inet": "ipv4", "inet6": "ipv6"}.get(str(mapping(entry).get("family")), "")
            packed = values.packed_address(family, mapping(entry).get("address"))
            if packed:
                found.add(values.format_address(packed))
    return frozenset(found)


def mapping(value: object) -> t.Mapping[str, t.Any]:
    """Return a mapping as it is, and an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def mark_own(addresses: Addresses, own: t.Container[str]) -> Addresses:
    """Return the addresses with those of the NIC marked, in the order: NIC, others, likely bridges."""
    found = (replace(each, own=each.address in own) for each in addresses)
    return tuple(sorted(found, key=lambda each: (not each.own, values.is_bridge(each))))


def from_networks(addresses: Addresses, networks: t.Sequence[Network], *, exclusive: bool = False) -> frozenset[str]:
    """Return the addresses of a NIC, given only the networks of the interface to which it is attached.

    For each family, these are the addresses in one of the networks, else those that do not look like a bridge in the
    guest. If all look like bridges, all are returned, or with `exclusive` none: the NIC must have an address in one of
    the networks, and has none yet.
    """
    found: set[str] = set()
    for family in ("ipv4", "ipv6"):
        of_family = [each for each in addresses if each.family == family]
        known = [net for net in networks if f"ipv{net.version}" == family]
        own = [each for each in of_family if any(ipaddress.ip_address(each.address) in net for net in known)]
        own = own or [each for each in of_family if not values.is_bridge(each)]
        if not own and not (known and exclusive):
            own = of_family
        found.update(each.address for each in own)
    return frozenset(found)
