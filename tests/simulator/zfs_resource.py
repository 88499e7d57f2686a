# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of TrueNAS 26 on datasets and snapshots in all its APIs, with their error messages."""

from __future__ import annotations

import errno as errnos
import re
import typing as t

from tests.simulator.errors import GenericError, ValidationError
from tests.simulator.storage import HOLD_TAG
from tests.simulator.zfs import ZfsError

if t.TYPE_CHECKING:
    from tests.simulator.storage import Storage
    from tests.simulator.world import World
    from tests.simulator.zfs import Snapshot

LABEL = re.compile(r"[A-Za-z0-9_.: -]+")
LONGEST = 255


class Refused(Exception):
    """One of the middleware's own exceptions; `zfs.resource.snapshot.*` says its number, `pool.snapshot.*` not."""

    def __init__(self, text: str, errno: int) -> None:
        self.text = text
        self.errno = errno
        super().__init__(text)


def not_found(name: str) -> Refused:
    return Refused(f"{name!r} not found", errnos.ENOENT)


def exists(name: str) -> Refused:
    return Refused(f"{name!r} already exists", errnos.EEXIST)


def find(storage: Storage, id: str) -> Snapshot:
    if id not in storage.zfs.snapshots:
        raise not_found(id)
    return storage.zfs.snapshots[id]


def refuse_missing(storage: Storage, dataset: str) -> None:
    """Raises ValidationError, also where a dataset shall go: it is looked for first."""
    if not storage.zfs.exists(dataset):
        raise ValidationError("zfs.resource.query", f"{dataset!r} not found", errnos.ENOENT)


def refuse_full(storage: Storage, dataset: str) -> None:
    """Raises ValidationError for what goes with its children and snapshots only."""
    for what, found in (("children", storage.zfs.children(dataset)[1:]), ("snapshots", storage.zfs.of(dataset))):
        if found:
            text = f"{dataset!r} has {what}. Set recursive=True to remove them."
            raise ValidationError("zfs.resource.destroy", text, errnos.ENOTEMPTY)


def is_protected(world: World, path: str) -> bool:
    """Whether it is below the directory of containers, which is internal since RC.1 (middleware 3b654bc0d0)."""
    parts = path.partition("@")[0].split("/")
    return world.release.protected_containers and parts[1:2] == [world.storage.layout.folder]


def refuse_protected(world: World, method: str, *paths: str) -> None:
    """Only what is named is looked at: a recursive operation on a pool includes containers. Raises ValidationError.

    Assumed: a path of a snapshot is refused with the name of its dataset.
    """
    for path in paths:
        if is_protected(world, path):
            text = f"{path.partition('@')[0]!r} is a protected path."
            raise ValidationError(method, text, errnos.EACCES)


def shown(world: World, found: t.Iterable[str], named: t.Iterable[str]) -> list[str]:
    """Those of the datasets that a listing has: internal ones are there only where one of them is named."""
    if any(is_protected(world, path) for path in named):
        return list(found)
    return [path for path in found if not is_protected(world, path)]


async def destroy(storage: Storage, path: str, *, recursive: bool) -> None:
    """`recursive` takes everything along: children, snapshots, clones of them anywhere, and what is held.

    Raises ZfsError.
    """
    for dataset in storage.zfs.children(path):
        for snapshot in storage.zfs.of(dataset):
            await storage.release(snapshot.id)
    await storage.destroy(path, recursive=recursive, dependents=recursive)


async def take(
    storage: Storage, dataset: str, label: str, *, recursive: bool, exclude: t.Sequence[str], properties: dict[str, str]
) -> Snapshot:
    id = f"{dataset}@{label}"
    if not LABEL.fullmatch(label) or len(id) > LONGEST:
        raise Refused(f"Invalid snapshot name: {id!r}", errnos.EINVAL)
    if not storage.zfs.exists(dataset):
        raise not_found(dataset)
    for name in storage.zfs.children(dataset) if recursive else [dataset]:
        if f"{name}@{label}" in storage.zfs.snapshots:
            raise exists(f"{name}@{label}")
    try:
        await storage.take(dataset, label, recursive=recursive, **properties)
    except ZfsError as error:
        raise exists(id) from error
    for name in exclude:
        if f"{name}@{label}" in storage.zfs.snapshots:
            await storage.drop(f"{name}@{label}")
    return storage.zfs.snapshots[id]


async def drop(storage: Storage, snapshots: t.Iterable[Snapshot], *, defer: bool) -> None:
    for snapshot in snapshots:
        clones = storage.zfs.clones(snapshot.id)
        if clones and not defer:
            raise Refused(f"{snapshot.id!r} has the following clones: {','.join(clones)}", errnos.EBUSY)
        if snapshot.holds and not defer:
            raise Refused(f"{snapshot.id!r} has the following holds: {','.join(snapshot.holds)}", errnos.EBUSY)
        await storage.drop(snapshot.id, defer=defer)


async def rollback(
    storage: Storage, id: str, *, recursive: bool, recursive_clones: bool, recursive_rollback: bool
) -> None:
    find(storage, id)
    for each in storage.zfs.same_label(id) if recursive_rollback else [storage.zfs.snapshots[id]]:
        newer = list(reversed(storage.zfs.newer(each)))
        if newer and not (recursive or recursive_clones):
            listed = "".join(f"\n  {other.id}" for other in newer)
            text = "Cannot rollback: more recent snapshots or bookmarks exist. Please pass `recursive: true` to delete"
            raise Refused(f"{text} the following snapshots and bookmarks recursively:{listed}", errnos.EINVAL)
        clones = [clone for other in newer for clone in storage.zfs.clones(other.id)]
        if clones and not recursive_clones:
            # destroying the first of them raises an error that is not caught
            raise GenericError(f"cannot destroy snapshots: dependent clones exist: {', '.join(clones)}", "ZFSError")
        try:
            await storage.rollback(each.id, newer=recursive, clones=recursive_clones)
        except ZfsError as error:
            raise Refused(f"Failed to rollback snapshot: {error}", errnos.EINVAL) from error


async def clone(storage: Storage, id: str, target: str, properties: t.Mapping[str, t.Any]) -> None:
    find(storage, id)
    if storage.zfs.exists(target):
        raise exists(target)
    parent = target.rpartition("/")[0]
    if not storage.zfs.exists(parent):
        raise not_found(parent)
    try:
        await storage.clone(id, target, **{key: str(value) for key, value in properties.items()})
    except ZfsError as error:
        raise exists(target) from error


async def hold(storage: Storage, id: str, *, recursive: bool, tag: str = HOLD_TAG) -> None:
    find(storage, id)
    try:
        storage.hold(id, recursive=recursive, tag=tag)
    except ZfsError as error:
        raise GenericError(str(error), "ZFSCoreException") from error
    await storage.hold_files(id, recursive=recursive, tag=tag)


async def release(storage: Storage, id: str, *, recursive: bool, tag: str | None = None) -> None:
    """Every tag goes unless one is named; without one it succeeds all the same."""
    find(storage, id)
    await storage.release(id, recursive=recursive, tag=tag)
