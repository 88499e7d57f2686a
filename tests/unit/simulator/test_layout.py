# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of where containers are, in the pools and in the NAS's file system."""

from __future__ import annotations

import pytest

from tests.simulator.layout import INCUS, LIBVIRT, Layout


@pytest.mark.parametrize(
    ("layout", "dataset", "path", "rootfs"),
    [
        (INCUS, "tank/.ix-virt/containers/px-web", "/var/lib/incus/storage-pools/tank/containers/px-web", "/rootfs"),
        (LIBVIRT, "tank/.truenas_containers/containers/px-web", "/mnt/.truenas_containers/tank/containers/px-web", ""),
    ],
)
def test_a_container_has_its_place(layout: Layout, dataset: str, path: str, rootfs: str) -> None:
    mount = layout.mount("tank", "px-web")

    assert layout.dataset("tank", "px-web") == dataset
    assert layout.container_of(dataset) == "px-web"
    assert (mount.path, mount.rootfs) == (path, f"{path}{rootfs}")
    assert layout.mount_at(f"{path}/etc/hosts") == mount


@pytest.mark.parametrize("layout", [INCUS, LIBVIRT])
def test_only_a_containers_place_is_one(layout: Layout) -> None:
    containers = layout.dataset("tank", "px-web").rpartition("/")[0]

    assert layout.container_of(containers) is None
    assert layout.container_of(f"{containers}/px-web/below") is None
    assert layout.container_of("tank/data/.ix-virt/containers/px-web") is None
    assert layout.mount_at(layout.mounted_below) is None
    assert layout.mount_at("/mnt/tank/containers/px-web") is None


def test_what_is_below_the_directory_is_hidden() -> None:
    assert LIBVIRT.holds("tank/.truenas_containers")
    assert LIBVIRT.holds("tank/.truenas_containers/images/x")
    assert not LIBVIRT.holds("tank/data")
