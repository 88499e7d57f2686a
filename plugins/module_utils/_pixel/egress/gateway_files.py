# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All files of a gateway, as a pure function of its segments and the MAC addresses of its interfaces."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    gateway_program,
    gateway_rules,
    presets,
    resolver,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    policy as policies,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.guest_files import GuestFile

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.segment import Segment

UPLINK_MAC_PATH = f"{gateway_program.DIRECTORY}/uplink"
NETWORK_DIRECTORY = "/etc/systemd/network"
NETWORK_PREFIX = "05-pixels-"

LEASE_TIME = "1h"

NETWORKD = """\
[Network]
ManageForeignRoutingPolicyRules=no
"""
"""networkd removes the routing rules of other programs at its start (networkd.conf(5))."""

UPLINK = """\
[Match]
MACAddress={mac}

[Network]
DHCP=yes
IPv6AcceptRA=yes
"""

SEGMENT = """\
[Match]
MACAddress={mac}

[Network]
Address={address}
Address={address6}
LinkLocalAddressing=ipv6
DHCP=no
IPv6AcceptRA=no
ConfigureWithoutCarrier=yes
IPv6DuplicateAddressDetection=0
"""


def render(segments: t.Iterable[Segment], macs: t.Mapping[str, str], uplink: str) -> dict[str, GuestFile]:
    """Return the files of a gateway by their paths.

    `macs` has the MAC address of the interface on each segment, `uplink` is that of the one that leads outside.
    """
    files = {
        gateway_program.PROGRAM_PATH: GuestFile(gateway_program.PROGRAM, 0o755),
        f"/etc/systemd/system/{gateway_program.SERVICE}.service": GuestFile(gateway_program.SYSTEMD_LOAD),
        f"/etc/systemd/system/{gateway_program.SEGMENT_SERVICE}.service": GuestFile(gateway_program.SYSTEMD_SEGMENT),
        "/etc/systemd/networkd.conf.d/pixels.conf": GuestFile(NETWORKD),
        network_path("uplink"): GuestFile(UPLINK.format(mac=uplink)),
        UPLINK_MAC_PATH: GuestFile(f"{uplink}\n"),
    }
    for segment in segments:
        files.update(segment_files(segment, macs[segment.name]))
    return files


def segment_files(segment: Segment, mac: str) -> dict[str, GuestFile]:
    """Return the files of one segment."""
    directory = segment_directory(segment.name)
    names = policies.effective_names(segment.policy, HOSTS)
    return {
        f"{directory}/segment.json": GuestFile(f"{segment.text}\n"),
        f"{directory}/mac": GuestFile(f"{mac}\n"),
        f"{directory}/rules.nft": GuestFile(gateway_rules.render(segment), 0o600),
        f"{directory}/names": GuestFile(resolver.render_names(segment.policy, names)),
        f"{directory}/dns": GuestFile("".join(f"{server}\n" for server in segment.policy.dns)),
        f"{directory}/dnsmasq.conf": GuestFile(configuration(segment)),
        network_path(segment.name): GuestFile(
            SEGMENT.format(mac=mac, address=segment.address, address6=segment.address6)
        ),
    }


HOSTS = {
    presets.DISTRIBUTION: tuple(sorted({name for group in presets.DISTRIBUTIONS for name in presets.GROUPS[group]}))
}
"""Pixels on a segment may have any distribution, and a gateway does not read their settings."""


def segment_directory(name: str) -> str:
    """Return the directory of a segment in its gateway."""
    return f"{gateway_program.DIRECTORY}/{name}"


def network_path(name: str) -> str:
    """Return the path of the settings of an interface, which come before those of the image."""
    return f"{NETWORK_DIRECTORY}/{NETWORK_PREFIX}{name}.network"


def configuration(segment: Segment) -> str:
    """Return the file for `dnsmasq --conf-file`, without the interface."""
    first, last = segment.leases
    run_directory = f"{resolver.RUN_DIRECTORY}/{segment.name}"
    table = gateway_rules.table_of(segment.name)
    return f"""\
except-interface=lo
{resolver.common_configuration(segment.policy, run_directory, table)}\
dhcp-authoritative
dhcp-range={first},{last},{segment.network.netmask},{LEASE_TIME}
dhcp-leasefile={run_directory}/leases
enable-ra
quiet-dhcp
quiet-dhcp6
quiet-ra
"""
