# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the LXC configuration for the settings that TrueNAS passes to Incus."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulator.engines.lxc import config
from tests.simulator.engines.lxc.addresses import BridgePort


def lines(unified: bool = False, **wanted: object) -> list[str]:
    container = config.Container("px-web", Path("/mnt/px-web/rootfs"), BridgePort(257), "br0", "lab", **wanted)
    return config.text(container, unified=unified).splitlines()


def test_a_container_has_the_ids_of_truenas_and_groups_of_its_own() -> None:
    written = lines()

    assert "lxc.idmap = u 0 2147000001 65536" in written
    assert "lxc.idmap = g 0 2147000001 65536" in written
    assert "lxc.cgroup.dir = lab/px-web" in written


def test_the_mac_is_that_of_the_address() -> None:
    written = lines()

    assert "lxc.net.0.hwaddr = 00:16:3e:77:01:01" in written
    assert "lxc.net.0.ipv4.address = 10.77.1.1/16" in written
    assert "lxc.net.0.ipv6.address = fd77::101/64" in written


def test_the_environment_is_that_of_init() -> None:
    written = lines(environment={"COLOUR": "dark blue"})

    assert "lxc.environment = COLOUR=dark blue" in written


@pytest.mark.parametrize(
    ("unified", "written"),
    [
        (False, ["lxc.cgroup.cpuset.cpus = 0,1", "lxc.cgroup.memory.limit_in_bytes = 1048576"]),
        (True, ["lxc.cgroup2.cpuset.cpus = 0,1", "lxc.cgroup2.memory.max = 1048576"]),
    ],
)
def test_limits_are_written_for_the_groups_that_the_machine_has(unified: bool, written: list[str]) -> None:
    assert lines(unified, cpus="0,1", memory=1048576)[-2:] == written
    assert not [line for line in lines(unified) if line.startswith(("lxc.cgroup.cpuset", "lxc.cgroup2"))]


@pytest.mark.parametrize(
    ("wanted", "first", "chosen"),
    [
        (None, 0, None),
        ("1", 0, "2"),
        ("1", 1, "3"),
        ("2", 3, "2,5"),
        ("16", 0, "2,3,4,5"),
        ("3-4", 0, "3,4"),
        ("0,3,4-9", 0, "3,4,5"),
        ("8-9", 0, "2"),
    ],
)
def test_cpus_are_chosen_among_those_of_the_machine(wanted: str | None, first: int, chosen: str | None) -> None:
    assert config.choose_cpus(wanted, first=first, available=[2, 3, 4, 5]) == chosen
