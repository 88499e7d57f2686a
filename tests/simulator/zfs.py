# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The datasets and snapshots, and the operations that ZFS allows on them.

Bookkeeping only: no file is touched here. Every change happens without an await, so two calls cannot both pass a check.
"""

from __future__ import annotations

import datetime
import itertools
import random
import typing as t
from dataclasses import dataclass, field


class ZfsError(Exception):
    """What libzfs says; the caller decides how the middleware wraps it."""

    def __init__(self, text: str, *, exists: bool = False, busy: bool = False, clones: t.Sequence[str] = ()) -> None:
        self.exists = exists
        self.busy = busy
        self.clones = tuple(clones)
        super().__init__(text)


@dataclass
class Dataset:
    name: str
    txg: int
    origin: str | None = None
    """The snapshot this is a clone of."""
    properties: dict[str, str] = field(default_factory=dict)
    beside: dict[str, bytes] = field(default_factory=dict)
    """The files of the NAS itself, by path; the engine has those of a container's root directory."""


@dataclass
class Snapshot:
    dataset: str
    label: str
    txg: int
    created: datetime.datetime
    guid: int
    stored_as: str
    """The label the engine keeps it under: the one it was taken with, also after a rename."""
    referenced: int = 0
    holds: dict[str, int] = field(default_factory=dict)
    """Tag to seconds since the epoch."""
    properties: dict[str, str] = field(default_factory=dict)
    deferred: bool = False
    """Marked to go when the last clone or hold does."""
    beside: dict[str, bytes] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.dataset}@{self.label}"

    @property
    def pool(self) -> str:
        return self.dataset.partition("/")[0]


class Lost(t.NamedTuple):
    """What an operation took away, in the order it went."""

    snapshots: list[Snapshot]
    datasets: list[str]


class Zfs:
    def __init__(self) -> None:
        self.datasets: dict[str, Dataset] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self._txgs = itertools.count(48_211, 7)
        self._guids = random.Random(0)  # seeded: the same guids in every run

    # what is there

    def exists(self, dataset: str) -> bool:
        return dataset in self.datasets

    def of(self, dataset: str) -> list[Snapshot]:
        """A dataset's snapshots, oldest first."""
        return sorted((each for each in self.snapshots.values() if each.dataset == dataset), key=lambda each: each.txg)

    def children(self, dataset: str) -> list[str]:
        """A dataset and everything below it, parents first."""
        return sorted(name for name in self.datasets if name == dataset or name.startswith(f"{dataset}/"))

    def clones(self, snapshot: str) -> list[str]:
        return sorted(each.name for each in self.datasets.values() if each.origin == snapshot)

    def newer(self, snapshot: Snapshot) -> list[Snapshot]:
        """Snapshots of the same dataset taken after this one, newest first as `zfs rollback` lists them."""
        return [each for each in reversed(self.of(snapshot.dataset)) if each.txg > snapshot.txg]

    # datasets

    def add(self, name: str, *, origin: str | None = None, **properties: str) -> Dataset:
        """Make a dataset and the parents it lacks."""
        parent = name.rpartition("/")[0]
        if parent and parent not in self.datasets:
            self.add(parent)
        return self.datasets.setdefault(name, Dataset(name, next(self._txgs), origin, properties))

    def destroy(self, name: str, *, recursive: bool = False, dependents: bool = False) -> Lost:
        """`zfs destroy [-r] [-R]`."""
        if name not in self.datasets:
            raise ZfsError(f"cannot open '{name}': dataset does not exist")
        tree = self.children(name)
        snapshots = [snapshot for dataset in tree for snapshot in self.of(dataset)]
        if not recursive and (snapshots or len(tree) > 1):
            what = "filesystem has children"
            raise ZfsError(f"cannot destroy '{name}': {what}\nuse '-r' to destroy the following datasets:")
        outside = [clone for snapshot in snapshots for clone in self.clones(snapshot.id) if clone not in tree]
        if outside and not dependents:
            raise ZfsError(f"cannot destroy '{name}': filesystem has dependent clones", clones=outside)
        self._refuse_held(snapshots)
        gone: list[str] = []
        for clone in outside:
            gone += self.destroy(clone, recursive=True, dependents=True).datasets
        for snapshot in snapshots:
            self.snapshots.pop(snapshot.id)
        for dataset in reversed(tree):
            self._forget(dataset)
        return Lost(snapshots, [*gone, *reversed(tree)])

    def move(self, name: str, target: str) -> None:
        """`zfs rename`: snapshots go along, clones keep their origin."""
        if name not in self.datasets:
            raise ZfsError(f"cannot open '{name}': dataset does not exist")
        if target in self.datasets:
            raise ZfsError(f"cannot rename '{name}': dataset already exists", exists=True)
        if target.rpartition("/")[0] not in self.datasets:
            raise ZfsError(f"cannot rename '{name}': parent does not exist")
        for old in self.children(name):
            new = target + old.removeprefix(name)
            dataset = self.datasets.pop(old)
            dataset.name = new
            self.datasets[new] = dataset
            for snapshot in self.of(old):
                self.rename(snapshot.id, f"{new}@{snapshot.label}")

    def promote(self, name: str) -> list[Snapshot]:
        """`zfs promote`: the clone takes over its origin and what is older; returns those that changed hands."""
        if name not in self.datasets:
            raise ZfsError(f"cannot open '{name}': dataset does not exist")
        clone = self.datasets[name]
        if clone.origin is None:
            raise ZfsError(f"cannot promote '{name}': not a cloned filesystem")
        origin = self.snapshots[clone.origin]
        parent = self.datasets[origin.dataset]
        moving = [each for each in self.of(parent.name) if each.txg <= origin.txg]
        if any(f"{name}@{each.label}" in self.snapshots for each in moving):
            raise ZfsError(f"cannot promote '{name}': snapshot name already exists", exists=True)
        clone.origin, parent.origin = parent.origin, origin.id
        for each in moving:
            self.rename(each.id, f"{name}@{each.label}")
        return moving

    # snapshots

    def take(self, dataset: str, label: str, *, recursive: bool = False, properties: dict[str, str]) -> list[Snapshot]:
        """`zfs snapshot [-r]`: all of them in one txg, or none."""
        if dataset not in self.datasets:
            raise ZfsError(f"Dataset {dataset} not found")
        names = self.children(dataset) if recursive else [dataset]
        for name in names:
            if f"{name}@{label}" in self.snapshots:
                text = f"cannot create snapshot '{name}@{label}': dataset already exists"
                raise ZfsError(text, exists=True)
        txg = next(self._txgs)
        taken = [self._taken(name, label, txg, properties) for name in names]
        self.snapshots.update((snapshot.id, snapshot) for snapshot in taken)
        return taken

    def drop(self, id: str, *, defer: bool = False) -> list[Snapshot]:
        """`zfs destroy [-d] SNAPSHOT`: empty when it was only marked."""
        snapshot = self.snapshots[id]
        clones = self.clones(id)
        if defer and (clones or snapshot.holds):
            snapshot.deferred = True
            return []
        if clones:
            raise ZfsError(f"cannot destroy snapshot {id}: snapshot is cloned", clones=clones)
        self._refuse_held([snapshot])
        return [self.snapshots.pop(id)]

    def rollback(self, id: str, *, newer: bool = False, clones: bool = False) -> Lost:
        """`zfs rollback [-r] [-R]`: the state goes back, what is newer must go first."""
        if id not in self.snapshots:
            raise ZfsError(f"cannot open '{id}': dataset does not exist")
        later = self.newer(self.snapshots[id])
        if later and not (newer or clones):
            listed = "\n".join(each.id for each in reversed(later))
            raise ZfsError(
                f"cannot rollback to '{id}': more recent snapshots or bookmarks exist\n"
                f"use '-r' to force deletion of the following snapshots and bookmarks:\n{listed}"
            )
        dependents = [clone for each in later for clone in self.clones(each.id)]
        if dependents and not clones:
            listed = "\n".join(dependents)
            raise ZfsError(
                f"cannot rollback to '{id}': clones of previous snapshots exist\n"
                f"use '-R' to force deletion of the following clones and dependents:\n{listed}"
            )
        self._refuse_held(later)
        gone: list[str] = []
        for clone in dependents:
            gone += self.destroy(clone, recursive=True, dependents=True).datasets
        for each in later:
            self.snapshots.pop(each.id)
        self.datasets[id.partition("@")[0]].beside = dict(self.snapshots[id].beside)
        return Lost(later, gone)

    def clone(self, id: str, target: str, properties: dict[str, str]) -> Dataset:
        """`zfs clone`: the origin cannot go while the clone lives."""
        if id not in self.snapshots:
            raise ZfsError(f"Snapshot {id} not found")
        if target in self.datasets:
            raise ZfsError(f"cannot create '{target}': dataset already exists", exists=True)
        if target.rpartition("/")[0] not in self.datasets:
            raise ZfsError(f"cannot create '{target}': parent does not exist")
        made = self.add(target, origin=id, **properties)
        made.beside = dict(self.snapshots[id].beside)
        return made

    def hold(self, id: str, tag: str, now: int, *, recursive: bool = False) -> None:
        held = self._same_label(id, recursive)
        for snapshot in held:
            if tag in snapshot.holds:
                raise ZfsError(f"cannot hold snapshot '{snapshot.id}': tag already exists on this dataset")
        for snapshot in held:
            snapshot.holds[tag] = now

    def release(self, id: str, *, recursive: bool = False, tag: str | None = None) -> list[Snapshot]:
        """Removes all tags, or the one that is named; returns the snapshots that were only waiting for that."""
        released = self._same_label(id, recursive)
        for snapshot in released:
            for held in [each for each in snapshot.holds if tag in (None, each)]:
                del snapshot.holds[held]
        waiting = [each for each in released if each.deferred and not each.holds and not self.clones(each.id)]
        return [self.snapshots.pop(each.id) for each in waiting]

    def rename(self, id: str, new: str) -> None:
        if new in self.snapshots:
            raise ZfsError(f"cannot rename to '{new}': dataset already exists", exists=True)
        snapshot = self.snapshots.pop(id)
        snapshot.dataset, _at, snapshot.label = new.partition("@")
        self.snapshots[new] = snapshot
        for dataset in self.datasets.values():
            if dataset.origin == id:
                dataset.origin = new

    def same_label(self, id: str) -> list[Snapshot]:
        """The snapshots of this name in the dataset and everything below it (what recursive means for snapshots)."""
        dataset, _at, label = id.partition("@")
        ids = [f"{name}@{label}" for name in self.children(dataset)]
        return [self.snapshots[each] for each in ids if each in self.snapshots]

    def _same_label(self, id: str, recursive: bool) -> list[Snapshot]:
        if id not in self.snapshots:
            raise ZfsError(f"Snapshot {id} not found")
        return self.same_label(id) if recursive else [self.snapshots[id]]

    def _taken(self, dataset: str, label: str, txg: int, properties: dict[str, str]) -> Snapshot:
        labels = {each.stored_as for each in self.of(dataset)}
        return Snapshot(
            dataset,
            label,
            txg,
            created=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
            guid=self._guids.getrandbits(63),
            stored_as=f"{label}-{txg}" if label in labels else label,
            properties=dict(properties),
            beside=dict(self.datasets[dataset].beside),
        )

    def _refuse_held(self, snapshots: t.Iterable[Snapshot]) -> None:
        for snapshot in snapshots:
            if snapshot.holds:
                raise ZfsError(f"cannot destroy '{snapshot.id}': dataset is busy", busy=True)

    def _forget(self, name: str) -> None:
        """A clone that goes may be what a deferred snapshot was waiting for."""
        origin = self.datasets.pop(name).origin
        if origin in self.snapshots and self.snapshots[origin].deferred and not self.clones(origin):
            self.snapshots.pop(origin)
