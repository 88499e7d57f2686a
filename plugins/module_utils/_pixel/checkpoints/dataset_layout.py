# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The datasets of a pixel: its own, those that restores set aside, and those of an unfinished clone or restore.

A restore that keeps the current state renames the dataset of the pixel (it is then "set aside"), clones a checkpoint to
the original name, and promotes the clone. If it is interrupted, the dataset of the pixel is either missing, or a clone
that is not promoted yet. Names and origins of the datasets alone show which.
"""

from __future__ import annotations

import secrets
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotPermitted, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import datasets
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import SnapshotId

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.datasets import Dataset


@dataclass(frozen=True)
class InterruptedRestore:
    """The state that an interrupted restore left."""

    dataset: str
    """The dataset of the pixel."""
    root: str
    """The dataset with the oldest checkpoints of the pixel."""
    missing: bool
    """Whether the dataset of the pixel is missing. The root is to be renamed to it."""
    inherited: tuple[str, ...] = ()
    """If it is not missing: the checkpoints, as `dataset@label`, that it inherits once it is promoted."""


def dataset_of(pixels: Pixels, container: Container) -> str:
    """Return the dataset of a container: in its pool, or below the configured prefix. Raises `Unsupported`."""
    if pixels.dataset_prefix:
        return f"{pixels.dataset_prefix.rstrip('/')}/{container.name}"
    if container.dataset is None:
        raise Unsupported(f"{pixels.nas} does not report the pool of {container.name.bare}. Set dataset_prefix")
    return container.dataset


def set_aside_name(dataset: str, label: str) -> str:
    """Return the name of the dataset that keeps a replaced state: where Incus keeps datasets it cannot destroy yet."""
    parent, _slash, name = dataset.rpartition("/")
    root = parent.removesuffix("/containers")
    return f"{root}/deleted/containers/{name}.{label}" if root != parent else f"{parent}/{name}.{label}"


def is_set_aside(dataset: str, other: str) -> bool:
    """Return whether another dataset, or the dataset of a snapshot, was set aside from the dataset of a pixel."""
    return other.startswith(set_aside_name(dataset, ""))


def is_staged(dataset: str, other: str) -> bool:
    """Return whether another dataset is a staged clone for the dataset of a pixel."""
    return other.startswith(CloneDatasets(dataset, "").all_staged)


def display_name(dataset: str) -> str:
    """Return the bare name of the pixel that a dataset belongs to, or the dataset if there is none."""
    last = dataset.rpartition("/")[2]
    return PixelName(last).bare if "/containers/" in dataset and "/deleted/" not in dataset else dataset


@dataclass(frozen=True)
class CloneDatasets:
    """The names of the datasets that making a clone involves.

    Two clients that make the same clone share only `target`. `staged` is outside of `.ix-virt`, where the NAS mounts a
    clone automatically.
    """

    target: str
    """The dataset of the pixel."""
    token: str
    """A random identifier of this run."""

    @property
    def all_staged(self) -> str:
        """The prefix of all staged clones for this target."""
        pool, name = self.target.partition("/")[0], self.target.rpartition("/")[2]
        return f"{pool}/.pixels-{name}."

    @property
    def staged(self) -> str:
        """The clone, before it is renamed to the target."""
        return f"{self.all_staged}{self.token}"

    @property
    def all_unused(self) -> str:
        """The prefix of all unused datasets of this target."""
        return set_aside_name(self.target, "unused-")

    @property
    def unused(self) -> str:
        """The dataset that the NAS created from the image, renamed to make room for the clone."""
        return f"{self.all_unused}{self.token}"

    @property
    def mounted(self) -> str:
        """The mount point of the staged clone on the NAS."""
        return f"/mnt/{self.staged}"


def clone_datasets(dataset: str, name: PixelName) -> CloneDatasets:
    """Return the names for a container `name` whose files come from `dataset`, of a container on the same pool."""
    return CloneDatasets(f"{dataset.rpartition('/')[0]}/{name}", secrets.token_hex(4))


def find_interrupted_restore(pixels: Pixels, container: Container) -> InterruptedRestore | None:
    """Return what an interrupted restore of this pixel left; None if there is nothing."""
    dataset = dataset_of(pixels, container)
    if container.metadata.cloning or pixels.backend.no_swap_reason:
        # Unfinished clones are recognized by their metadata; and a NAS without renames cannot have left anything.
        return None
    try:
        found = datasets.find(pixels.wire, dataset)
        if found and not is_set_aside(dataset, found.origin):
            return None
        set_aside = datasets.find_by_prefix(pixels.wire, set_aside_name(dataset, ""))
        return unpromoted(found, set_aside) if found else missing(pixels, dataset, set_aside)
    except NotPermitted:
        # A restore that sets a dataset aside requires the same permission.
        return None


def unpromoted(clone: Dataset, set_aside: t.Sequence[Dataset]) -> InterruptedRestore:
    """Return what a clone that is not promoted yet inherits from datasets that were set aside."""
    origins = {dataset.name: dataset.origin for dataset in set_aside}
    inherited, origin = [], clone.origin
    while is_set_aside(clone.name, origin):
        inherited.append(origin)
        origin = origins.get(SnapshotId.parse(origin).dataset, "")
    return InterruptedRestore(
        clone.name, SnapshotId.parse(inherited[-1]).dataset, missing=False, inherited=tuple(inherited)
    )


def missing(pixels: Pixels, dataset: str, set_aside: t.Sequence[Dataset]) -> InterruptedRestore | None:
    """Return the dataset to rename back: the newest that a restore set aside. None if there is none."""
    for candidate in reversed(set_aside):
        # A restore names it after the checkpoint that it takes before. Datasets set aside otherwise have none such.
        if candidate.name.removeprefix(set_aside_name(dataset, "")) in pixels.snapshots.labels(candidate.name):
            return InterruptedRestore(dataset, candidate.name, missing=True)
    return None
