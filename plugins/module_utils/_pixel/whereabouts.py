# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the files of a pixel are: at home, set aside, or on the way between, where a restore was broken off.

A restore that keeps the present state renames the dataset of the pixel (it is then "set aside"), clones a checkpoint
into its place, and promotes the clone. Broken off in between, either nothing is at home, or a clone that has yet to
take over the checkpoints it descends from. Both show on the datasets themselves, however the checkpoints look.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotPermitted, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import datasets

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.datasets import Dataset


@dataclass(frozen=True)
class Halfway:
    """What a restore that was broken off left."""

    home: str
    root: str
    """The dataset that has the oldest of the pixel's checkpoints."""
    missing: bool
    """Whether nothing is at home; the root was, and is to be again."""
    inherited: tuple[str, ...] = ()
    """Else the checkpoints, as C(dataset@label), that a clone at home descends from and has yet to take over."""


def dataset_of(pixels: Pixels, container: Container) -> str:
    """The dataset of a container: in its own pool, or below the prefix that was set."""
    if pixels.dataset_prefix:
        return f"{pixels.dataset_prefix.rstrip('/')}/{container.name}"
    if container.dataset is None:
        raise Unsupported(
            f"{pixels.nas} does not say on which pool {names.bare_name(container.name)} lives: set dataset_prefix"
        )
    return container.dataset


def set_aside_as(dataset: str, label: str) -> str:
    """Where a state is put that a restore replaces: the place Incus has for what it may not destroy yet."""
    parent, _slash, name = dataset.rpartition("/")
    root = parent.removesuffix("/containers")
    return f"{root}/deleted/containers/{name}.{label}" if root != parent else f"{parent}/{name}.{label}"


def is_aside(home: str, other: str) -> bool:
    """Whether a dataset, or a checkpoint in one, was set aside from there."""
    return other.startswith(set_aside_as(home, ""))


def told(dataset: str) -> str:
    """A dataset as the user knows it: the name of a pixel, where it is one's."""
    last = dataset.rpartition("/")[2]
    return names.bare_name(last) if "/containers/" in dataset and "/deleted/" not in dataset else dataset


def halfway(pixels: Pixels, container: Container) -> Halfway | None:
    """What a restore of this pixel left half done, if there is such a thing."""
    home = dataset_of(pixels, container)
    if container.marks.cloning or pixels.backend.fixed:
        # The dataset of a clone changes places, too, and is told by other signs; where none can nothing was left.
        return None
    try:
        there = datasets.find(pixels.wire, home)
        if there and not is_aside(home, there.origin):
            return None
        left = datasets.starting_with(pixels.wire, set_aside_as(home, ""))
        return descent(home, there, left) if there else orphaned(pixels, home, left)
    except NotPermitted:
        # Who may not look could not have left it either.
        return None


def descent(home: str, there: Dataset, left: t.Sequence[Dataset]) -> Halfway:
    """Follow a clone back through what was set aside."""
    origins = {each.name: each.origin for each in left}
    inherited, origin = [], there.origin
    while is_aside(home, origin):
        inherited.append(origin)
        origin = origins.get(origin.partition("@")[0], "")
    return Halfway(home, inherited[-1].partition("@")[0], missing=False, inherited=tuple(inherited))


def orphaned(pixels: Pixels, home: str, left: t.Sequence[Dataset]) -> Halfway | None:
    """The newest that was set aside is the one that was at home last: each was made later than those before it."""
    for each in reversed(left):
        # A restore calls it after the checkpoint it takes before; what is set aside for other reasons has none such.
        if each.name.removeprefix(set_aside_as(home, "")) in pixels.snapshots.labels(each.name):
            return Halfway(home, each.name, missing=True)
    return None
