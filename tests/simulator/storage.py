# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply changes of datasets and snapshots to the files of containers.

ZFS' rules are in zfs.py, the files are the engine's: here each change goes through the rules first and then to the
engine, one change of a container at a time.
"""

from __future__ import annotations

import asyncio
import collections
import time
import typing as t
import uuid

from tests.simulator.zfs import Lost, Snapshot, Zfs, ZfsError

if t.TYPE_CHECKING:
    from tests.simulator.engines.base import Engine
    from tests.simulator.layout import Layout

HOLD_TAG = "truenas"


class Storage:
    """The pools' datasets with what the engine keeps of them."""

    def __init__(self, engine: Engine, layout: Layout, seconds: t.Callable[[], float]) -> None:
        self.layout = layout
        self.zfs = Zfs()
        self.engine = engine
        self.seconds = seconds
        """How long taking or rolling back a snapshot takes, asked each time."""
        self.elsewhere: dict[str, str] = {}
        """Datasets that are no container's place and hold a container's files, with what the engine calls those."""
        self._one_at_a_time: collections.defaultdict[str, asyncio.Lock] = collections.defaultdict(asyncio.Lock)

    def add_pool(self, pool: str) -> None:
        properties = dict.fromkeys(self.layout.pool_properties, pool)
        home = self.layout.home(pool)
        self.zfs.add(home, **properties)
        for part in self.layout.parts:
            self.zfs.add(f"{home}/{part}")

    def files_of(self, dataset: str) -> str | None:
        """What the engine calls the files of a dataset; None when they are no container's."""
        return self.layout.container_of(dataset) or self.elsewhere.get(dataset)

    def all_files(self) -> set[str]:
        """What the engine calls all that it keeps, also that of containers whose rows are gone."""
        return {files for dataset in self.zfs.datasets if (files := self.files_of(dataset)) is not None}

    def mounts(self) -> dict[str, str]:
        """Where clones of containers are mounted by ZFS itself, with what the engine calls their files."""
        return {f"/mnt/{name}": files for name, files in self.elsewhere.items() if not self.layout.holds(name)}

    def add_image(self, pool: str, image: str) -> str:
        """The snapshot that containers of an image are cloned from."""
        dataset = self.layout.image(pool, image)
        if not self.zfs.exists(dataset):
            self.zfs.add(dataset)
            self.zfs.take(dataset, self.layout.image_snapshot, properties={})
        return f"{dataset}@{self.layout.image_snapshot}"

    async def take(self, dataset: str, label: str, *, recursive: bool = False, **properties: str) -> list[Snapshot]:
        """Raises ZfsError."""
        await asyncio.sleep(self.seconds())
        async with self._one_at_a_time[dataset]:
            taken = self.zfs.take(dataset, label, recursive=recursive, properties=properties)
            for snapshot in taken:
                container = self.files_of(snapshot.dataset)
                if container is not None:
                    snapshot.referenced = self.engine.used(container)
                    await self.engine.snapshot(container, snapshot.stored_as)
        return taken

    async def drop(self, id: str, *, defer: bool = False) -> None:
        """Destroy one snapshot. Raises ZfsError."""
        await self._drop_files(self.zfs.drop(id, defer=defer))

    async def rollback(self, id: str, *, newer: bool = False, clones: bool = False) -> None:
        """Raises ZfsError."""
        await asyncio.sleep(self.seconds())
        dataset = id.partition("@")[0]
        async with self._one_at_a_time[dataset]:
            lost = self.zfs.rollback(id, newer=newer, clones=clones)
            await self._lose(lost)
            container = self.files_of(dataset)
            if container is not None:
                await self.engine.rollback(container, self.zfs.snapshots[id].stored_as)

    async def clone(self, id: str, target: str, **properties: str) -> None:
        """A clone at a container's place becomes that container's files. Raises ZfsError."""
        await asyncio.sleep(self.seconds())
        async with self._one_at_a_time[target]:
            self.zfs.clone(id, target, properties)
            snapshot = self.zfs.snapshots[id]
            source = self.files_of(snapshot.dataset)
            if source is not None:
                await self.engine.clone(source, snapshot.stored_as, self._settle(target))

    async def move(self, dataset: str, target: str) -> None:
        """`zfs rename`: no files are found by the old name afterwards. Raises ZfsError."""
        self.zfs.move(dataset, target)
        files = self.files_of(dataset)
        if files is not None:
            self.elsewhere.pop(dataset, None)
            await self.engine.move(files, self._settle(target))

    async def promote(self, dataset: str) -> None:
        """Raises ZfsError."""
        origin = self.zfs.datasets[dataset].origin if self.zfs.exists(dataset) else None
        source = self.files_of(origin.partition("@")[0]) if origin else None
        target = self.files_of(dataset)
        for snapshot in self.zfs.promote(dataset):
            if source is not None and target is not None:
                label, snapshot.stored_as = snapshot.stored_as, f"{snapshot.label}-{snapshot.txg}"
                await self.engine.move_snapshot(source, label, target, snapshot.stored_as)

    def _settle(self, dataset: str) -> str:
        """What the engine is to call files that come to a dataset."""
        container = self.layout.container_of(dataset)
        if container is not None:
            return container
        self.elsewhere[dataset] = dataset.replace("/", "--")
        return self.elsewhere[dataset]

    def hold(self, id: str, *, recursive: bool = False, tag: str = HOLD_TAG) -> None:
        self.zfs.hold(id, tag, int(time.time()), recursive=recursive)

    async def hold_files(self, id: str, *, recursive: bool = False, tag: str = HOLD_TAG) -> None:
        """What `hold` has noted, for what the engine keeps."""
        for snapshot, container in self._kept(id, recursive=recursive):
            await self.engine.hold(container, snapshot.stored_as, tag)

    async def release(self, id: str, *, recursive: bool = False, tag: str | None = None) -> None:
        """All tags, unless one is named."""
        kept = [
            (snapshot, container, held)
            for snapshot, container in self._kept(id, recursive=recursive)
            for held in snapshot.holds
            if tag in (None, held)
        ]
        waiting = self.zfs.release(id, recursive=recursive, tag=tag)
        for snapshot, container, held in kept:
            await self.engine.release(container, snapshot.stored_as, held)
        await self._drop_files(waiting)

    def _kept(self, id: str, *, recursive: bool) -> list[tuple[Snapshot, str]]:
        """The snapshots of containers that an operation on one means."""
        meant = [each for each in self.zfs.same_label(id) if recursive or each.id == id]
        return [(each, files) for each in meant if (files := self.files_of(each.dataset)) is not None]

    async def destroy(self, dataset: str, *, recursive: bool = False, dependents: bool = False) -> None:
        """`zfs destroy` of a dataset with the files in it. Raises ZfsError."""
        await self._lose(self.zfs.destroy(dataset, recursive=recursive, dependents=dependents))

    async def remove_container(self, dataset: str) -> None:
        """What Incus does as a container goes: with clones of its snapshots left, the dataset is put aside instead."""
        if not self.zfs.exists(dataset):
            return
        origin = self.zfs.datasets[dataset].origin
        if any(self.zfs.clones(snapshot.id) for snapshot in self.zfs.of(dataset)):
            pool = dataset.partition("/")[0]
            await self.move(dataset, f"{self.layout.home(pool)}/deleted/containers/{uuid.uuid4()}")
            return
        await self.destroy(dataset, recursive=True)
        await self._sweep(origin)

    async def _sweep(self, origin: str | None) -> None:
        """A dataset put aside goes with the last clone of it."""
        if origin is None or "/.ix-virt/deleted/" not in origin:
            return
        dataset = origin.partition("@")[0]
        if not any(self.zfs.clones(snapshot.id) for snapshot in self.zfs.of(dataset)):
            before = self.zfs.datasets[dataset].origin
            await self.destroy(dataset, recursive=True)
            await self._sweep(before)

    async def _lose(self, lost: Lost) -> None:
        gone = {self.files_of(dataset) for dataset in lost.datasets}
        await self._drop_files([each for each in lost.snapshots if self.files_of(each.dataset) not in gone])
        for dataset in lost.datasets:
            self.elsewhere.pop(dataset, None)
        for container in gone - {None}:
            await self.engine.delete(t.cast(str, container))

    async def _drop_files(self, snapshots: t.Iterable[Snapshot]) -> None:
        for snapshot in snapshots:
            container = self.files_of(snapshot.dataset)
            if container is not None:
                await self.engine.delete_snapshot(container, snapshot.stored_as)


__all__ = ["HOLD_TAG", "Storage", "ZfsError"]
