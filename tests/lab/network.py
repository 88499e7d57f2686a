# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which network do the lab's containers see? A bridge with a router, and a small internet behind it."""

from __future__ import annotations

import subprocess
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

from tests.simulator.engines.lxc.addresses import PREFIX_V4, PREFIX_V6, ROUTER_V4, ROUTER_V6

ROOT = Path(__file__).resolve().parents[2]
BRIDGE, BRIDGE_MAC = "br0", "00:16:3e:77:00:01"


@dataclass(frozen=True)
class Host:
    """A host with a network namespace and a name of its own."""

    label: str
    name: str
    v4: str
    v6: str
    number: int
    """Of its link to the router."""


# Public addresses: resolvers drop answers with private or reserved ones. Nothing leaves the lab.
ALLOWED = Host("allowed", "allowed.example", "45.51.100.10", "2a0b:51::10", 1)
DENIED = Host("denied", "denied.example", "46.113.100.10", "2a0b:113::10", 2)
MIRROR = Host("mirror", "mirror.example", "45.51.100.80", "2a0b:51::80", 3)
HOSTS = (ALLOWED, DENIED, MIRROR)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def set_up(mirror: Path) -> list[subprocess.Popen[t.Any]]:
    """Create the bridge, DNS and the hosts; `mirror` has the packages. Return the processes to keep running."""
    ip("link", "set", "lo", "up")
    ip("link", "add", BRIDGE, "address", BRIDGE_MAC, "type", "bridge")
    ip("address", "add", f"{ROUTER_V4}/{PREFIX_V4}", "dev", BRIDGE)
    ip("address", "add", f"{ROUTER_V6}/{PREFIX_V6}", "dev", BRIDGE, "nodad")
    ip("link", "set", BRIDGE, "up")
    for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        Path("/proc/sys/net", name).write_text("1")
    started = [_start_host(host, mirror) for host in HOSTS]
    return [*started, _start_dns()]


def _start_host(host: Host, mirror: Path) -> subprocess.Popen[t.Any]:
    ours, theirs = f"to-{host.label}", "uplink"
    link_v4, link_v6 = f"10.78.{host.number}", f"fd78:{host.number}:"
    ip("netns", "add", host.label)
    ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", host.label)
    ip("address", "add", f"{link_v4}.1/30", "dev", ours)
    ip("address", "add", f"{link_v6}:1/64", "dev", ours, "nodad")
    ip("link", "set", ours, "up")
    ip("route", "add", host.v4, "via", f"{link_v4}.2")
    inside = (
        f"link set lo up\naddress add {host.v4}/32 dev lo\naddress add {host.v6}/128 dev lo nodad\n"
        f"address add {link_v4}.2/30 dev {theirs}\naddress add {link_v6}:2/64 dev {theirs} nodad\n"
        f"link set {theirs} up\nroute add default via {link_v4}.1 src {host.v4}\n"
        f"-6 route add default via {link_v6}:1 src {host.v6}\n"
    )
    for line in inside.splitlines():
        ip("-netns", host.label, *line.split())
    ip("-6", "route", "add", host.v6, "via", f"{link_v6}:2")
    folder = [str(mirror)] if host is MIRROR else []
    server = subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{host.label}", sys.executable, "-m", "tests.lab.far_host", host.name, *folder],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    if server.stdout is None or not server.stdout.readline():
        raise RuntimeError(f"{host.name} did not start")
    return server


def _start_dns() -> subprocess.Popen[t.Any]:
    names = [f"--address=/{host.name}/{address}" for host in HOSTS for address in (host.v4, host.v6)]
    return subprocess.Popen(
        [
            *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--user=root"),
            *("--pid-file=", f"--interface={BRIDGE}", "--bind-interfaces", "--except-interface=lo", *names),
        ],
        stdin=subprocess.DEVNULL,
    )
