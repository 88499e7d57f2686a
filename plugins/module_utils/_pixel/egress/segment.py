# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gateway does for one segment: its networks there, and the egress policy of the pixels on it."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import policy as policies
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import invalid
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import values

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy

INTERFACE = re.compile(r"[a-z][a-z0-9]{0,14}", re.ASCII)
KEYS = ("name", "egress", "network", "network6", "interface")

PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""RFC 1918. `IPv4Network.is_private` also includes loopback and link-local networks."""
UNIQUE_LOCAL = ipaddress.IPv6Network("fc00::/7")

PREFIX_LENGTHS = (16, 28)
"""Shortest and longest prefix of an IPv4 network: the longest leaves room for some pixels."""


@dataclass(frozen=True)
class Segment:
    """One segment of a gateway."""

    name: str
    """Name of its bridge on the NAS, such as `br77`."""
    policy: EgressPolicy
    network: ipaddress.IPv4Network
    network6: ipaddress.IPv6Network
    interface: str
    """Interface of the gateway there, as named when it is set up. After that, its MAC address counts."""

    def as_dict(self) -> dict[str, t.Any]:
        """Return it as plain values, as for a diff."""
        return {
            "name": self.name,
            "network": str(self.network),
            "network6": str(self.network6),
            "egress": self.policy.as_dict(),
        }

    @property
    def text(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(self.as_dict(), sort_keys=True)

    @property
    def address(self) -> str:
        """IPv4 address of the gateway, with its prefix length."""
        return f"{self.network[1]}/{self.network.prefixlen}"

    @property
    def address6(self) -> str:
        """IPv6 address of the gateway, with its prefix length."""
        return f"{self.network6[1]}/{self.network6.prefixlen}"

    @property
    def leases(self) -> tuple[str, str]:
        """First and last IPv4 address for pixels."""
        return str(self.network[2]), str(self.network[-2])


def parse_all(value: t.Any, option: str = "segments") -> tuple[Segment, ...]:
    """Return the segments that an option describes. Raises `Invalid`, naming the option and its part."""
    if not isinstance(value, t.Sequence) or isinstance(value, str) or not value:
        raise invalid(option, "not a list of segments", "give a list with at least one")
    found = tuple(parse(each, f"{option}[{number}]", f"eth{number + 1}") for number, each in enumerate(value))
    for field in ("name", "interface"):
        names = [getattr(each, field) for each in found]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise invalid(option, f"{field} {twice!r} is there twice", "list each segment once")
    for number, one in enumerate(found):
        for other in found[number + 1 :]:
            if one.network.overlaps(other.network) or one.network6.overlaps(other.network6):
                raise invalid(option, f"the networks of {one.name} and {other.name} overlap", "set other networks")
    return found


def parse(value: t.Any, option: str, interface: str) -> Segment:
    """Return one segment; `interface` is the default. Raises `Invalid`."""
    if not isinstance(value, t.Mapping):
        raise invalid(option, f"{value!r} is not a mapping", "set name and egress")
    unknown = sorted(set(map(str, value)) - set(KEYS))
    if unknown:
        raise invalid(option, f"unknown key {unknown[0]!r}", f"use {', '.join(KEYS)}")
    name = str(value.get("name") or "")
    if not values.is_bridge_name(name):
        raise invalid(f"{option}.name", f"{name!r} is not the name of a segment", "use br and a number, such as br77")
    policy = policies.parse(value.get("egress") or "none", f"{option}.egress")
    if not policy.enforced:
        raise invalid(f"{option}.egress", "a gateway restricts its segments", "use mode 'internet' or another one")
    interface = str(value.get("interface") or interface)
    if not INTERFACE.fullmatch(interface):
        raise invalid(f"{option}.interface", f"{interface!r} is not the name of an interface", "use one such as eth1")
    return Segment(
        name,
        policy,
        ipv4_network(f"{option}.network", value.get("network") or default_network(name, option)),
        ipv6_network(f"{option}.network6", value.get("network6") or default_network6(name)),
        interface,
    )


def default_network(name: str, option: str) -> str:
    """Return the network whose second number is that of the bridge: `10.77.0.0/24` for `br77`. Raises `Invalid`."""
    number = int(name.removeprefix("br"))
    if number > 255:
        raise invalid(f"{option}.network", f"{name} has no default", "set a private network such as 10.77.0.0/24")
    return f"10.{number}.0.0/24"


def default_network6(name: str) -> str:
    """Return a unique local network (RFC 4193), always the same for a name."""
    digits = hashlib.sha256(f"pixels.truenas segment {name}".encode()).hexdigest()
    return f"fd{digits[:2]}:{digits[2:6]}:{digits[6:10]}::/64"


def ipv4_network(option: str, value: t.Any) -> ipaddress.IPv4Network:
    """Return a private IPv4 network for pixels. Raises `Invalid`."""
    found = as_strict_network(option, value)
    if not isinstance(found, ipaddress.IPv4Network) or not any(map(found.subnet_of, PRIVATE)):
        raise invalid(option, f"{value!r} is not a private IPv4 network", "use one such as 10.77.0.0/24")
    shortest, longest = PREFIX_LENGTHS
    if not shortest <= found.prefixlen <= longest:
        raise invalid(option, f"{value!r} has another size", f"use a prefix length from {shortest} to {longest}")
    return found


def ipv6_network(option: str, value: t.Any) -> ipaddress.IPv6Network:
    """Return a unique local IPv6 network. Raises `Invalid`."""
    found = as_strict_network(option, value)
    if not isinstance(found, ipaddress.IPv6Network) or found.prefixlen != 64 or not found.subnet_of(UNIQUE_LOCAL):
        raise invalid(option, f"{value!r} is not a unique local IPv6 network", "use one such as fd77:1:2::/64")
    return found


def as_strict_network(option: str, value: t.Any) -> policies.Network:
    """Return a network without bits of a host. Raises `Invalid`."""
    try:
        return ipaddress.ip_network(str(value))
    except ValueError as error:
        raise invalid(option, f"{value!r} is not a network ({error})", "use one such as 10.77.0.0/24") from None


def from_text(text: str) -> dict[str, t.Any]:
    """Return what `Segment.text` says, which comes from a gateway. Raises `Invalid` for another text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Invalid("the file of a segment is invalid. Set up the gateway again")
    return value
