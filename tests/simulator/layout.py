# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The datasets of containers on a NAS, and where they are mounted."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class Mount:
    """A container's dataset in the NAS's file system; `container` is what the engine calls its files."""

    pool: str
    container: str
    path: str
    rootfs: str
    dataset: str


@dataclass(frozen=True)
class Layout:
    """That of one generation."""

    folder: str
    """The dataset below each pool that holds everything of containers."""
    parts: tuple[str, ...]
    """Its children, which are there from the beginning."""
    pool_properties: tuple[str, ...]
    """ZFS properties of the parent dataset that hold the pool's name."""
    image_snapshot: str
    """What containers are clones of, as the snapshot of an image's dataset."""
    mounted_below: str
    rootfs: str
    """Path of a container's root directory in its dataset: `/rootfs`, or empty if it is the dataset itself."""
    beside_rootfs: bool
    """Whether the dataset contains files of the NAS next to the root directory."""
    always_mounted: bool
    """Before, a dataset was mounted only while its container ran."""

    def home(self, pool: str) -> str:
        return f"{pool}/{self.folder}"

    def dataset(self, pool: str, container: str) -> str:
        return f"{self.home(pool)}/containers/{container}"

    def image(self, pool: str, image: str) -> str:
        return f"{self.home(pool)}/images/{image}"

    def holds(self, dataset: str) -> bool:
        """It is one of those that TrueNAS hides."""
        return f"/{self.folder}" in dataset

    def container_of(self, dataset: str) -> str | None:
        """The container whose files a dataset holds, if it is at a container's place."""
        found = re.fullmatch(rf"[^/]+/{re.escape(self.folder)}/containers/([^/]+)", dataset)
        return found[1] if found else None

    def mount(self, pool: str, container: str) -> Mount:
        path = f"{self.mounted_below}/{pool}/containers/{container}"
        return Mount(pool, container, path, f"{path}{self.rootfs}", self.dataset(pool, container))

    def mount_elsewhere(self, path: str, files: str) -> Mount:
        """A clone of a container's dataset that ZFS has mounted automatically."""
        return Mount("elsewhere", files, path, f"{path}{self.rootfs}", path.removeprefix("/mnt/"))

    def mount_at(self, path: str) -> Mount | None:
        """The place of a container that a path is in, whether or not anything is mounted there."""
        found = re.match(rf"{re.escape(self.mounted_below)}/([^/]+)/containers/([^/]+)(?:/|$)", path)
        return self.mount(found[1], found[2]) if found else None


INCUS_PARTS = ("containers", "images", "custom", "virtual-machines")
INCUS: t.Final = Layout(
    folder=".ix-virt",
    parts=(*INCUS_PARTS, *(f"deleted/{part}" for part in INCUS_PARTS)),
    pool_properties=("org.truenas:incus_storage_pool",),
    image_snapshot="readonly",
    mounted_below="/var/lib/incus/storage-pools",
    rootfs="/rootfs",
    beside_rootfs=True,
    always_mounted=False,
)

LIBVIRT: t.Final = Layout(
    folder=".truenas_containers",
    parts=("containers", "images"),
    pool_properties=(),
    image_snapshot="image",
    mounted_below="/mnt/.truenas_containers",
    rootfs="",
    beside_rootfs=False,
    always_mounted=True,
)
