# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The LXC configuration that runs a container as TrueNAS would."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from tests.simulator.engines.lxc import addresses

FIRST_ID, IDS = 2_147_000_001, 65_536
"""TrueNAS' own range."""
CGROUPS = Path("/sys/fs/cgroup")
DROPPED = ("mac_admin", "mac_override", "sys_time", "sys_module", "sys_rawio")


@dataclass(frozen=True)
class Container:
    """One that is about to start."""

    name: str
    rootfs: Path
    bridge_port: addresses.BridgePort
    bridge: str
    group: str
    cpus: str | None = None
    """As the kernel lists them: `0-3,5`."""
    memory: int | None = None
    environment: t.Mapping[str, str] = field(default_factory=dict)


def unified() -> bool:
    """Whether this machine has one hierarchy of control groups for all controllers."""
    return (CGROUPS / "cgroup.controllers").exists()


def choose_cpus(wanted: str | None, *, first: int, available: t.Sequence[int] | None = None) -> str | None:
    """The CPUs for `"2"` or `"0-1,4"`; where this machine has fewer than the NAS claims, as many as there are.

    `first` spreads containers that only say how many they want.
    """
    if wanted is None:
        return None
    here = sorted(os.sched_getaffinity(0)) if available is None else list(available)
    if wanted.isdigit():
        number = min(int(wanted), len(here))
        chosen = {here[(first + step) % len(here)] for step in range(number)}
    else:
        chosen = {each for part in wanted.split(",") for each in _span(part)} & set(here) or {here[0]}
    return ",".join(map(str, sorted(chosen)))


def _span(part: str) -> range:
    low, _dash, high = part.strip().partition("-")
    return range(int(low), int(high or low) + 1)


def limits(cpus: str | None, memory: int | None, *, unified: bool) -> dict[str, str]:
    """The files of a control group with what to write into them."""
    wanted = {}
    if cpus is not None:
        wanted["cpuset.cpus"] = cpus
    if memory is not None:
        wanted["memory.max" if unified else "memory.limit_in_bytes"] = str(memory)
    return wanted


def text(container: Container, *, unified: bool) -> str:
    """The configuration of `lxc-start`."""
    port = container.bridge_port
    lines = [
        f"lxc.rootfs.path = dir:{container.rootfs}",
        f"lxc.uts.name = {container.name}",
        "lxc.arch = linux64",
        f"lxc.idmap = u 0 {FIRST_ID} {IDS}",
        f"lxc.idmap = g 0 {FIRST_ID} {IDS}",
        "lxc.net.0.type = veth",
        f"lxc.net.0.link = {container.bridge}",
        "lxc.net.0.name = eth0",
        "lxc.net.0.flags = up",
        f"lxc.net.0.hwaddr = {port.mac}",
        f"lxc.net.0.ipv4.address = {port.v4}/{addresses.PREFIX_V4}",
        f"lxc.net.0.ipv4.gateway = {addresses.ROUTER_V4}",
        f"lxc.net.0.ipv6.address = {port.v6}/{addresses.PREFIX_V6}",
        f"lxc.net.0.ipv6.gateway = {addresses.ROUTER_V6}",
        "lxc.apparmor.profile = unconfined",
        "lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed",
        "lxc.pty.max = 64",
        "lxc.tty.max = 0",
        "lxc.signal.halt = SIGRTMIN+3",
        f"lxc.cap.drop = {' '.join(DROPPED)}",
        f"lxc.cgroup.dir = {container.group}/{container.name}",
        *(f"lxc.environment = {name}={value}" for name, value in container.environment.items()),
    ]
    kind = "cgroup2" if unified else "cgroup"
    lines += [
        f"lxc.{kind}.{file} = {value}"
        for file, value in limits(container.cpus, container.memory, unified=unified).items()
    ]
    return "".join(f"{line}\n" for line in lines)
