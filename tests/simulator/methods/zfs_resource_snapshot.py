# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""zfs.resource.snapshot.* of TrueNAS 26: ZFS snapshots, with an error at each call that says what was wrong."""

from __future__ import annotations

import errno as errnos
import typing as t

from tests.simulator import zfs_resource
from tests.simulator.errors import ValidationError
from tests.simulator.models import zfs_resource as models
from tests.simulator.registry import method
from tests.simulator.releases import LIBVIRT_HAS
from tests.simulator.zfs_resource import Refused

if t.TYPE_CHECKING:
    from tests.simulator.models.base import Model
    from tests.simulator.registry import Context, Handler
    from tests.simulator.world import World
    from tests.simulator.zfs import Snapshot

Row = dict[str, t.Any]

SERVICE = "zfs.resource.snapshot"
READ = ("SNAPSHOT_READ", "SNAPSHOT_WRITE")
WRITE = ("SNAPSHOT_WRITE",)
IN_CREATE_REPLY = ("creation", "createtxg")
NAMED = ("dataset", "path", "snapshot", "current_name")
"""The arguments that say what is to be changed."""


def says_what_was_wrong(name: str, model: type[Model], *roles: str) -> t.Callable[[Handler], Handler]:
    """What is refused becomes an error of the method's arguments."""

    def register(handler: Handler) -> Handler:
        async def called(context: Context, data: Row) -> t.Any:
            if roles != READ:
                changed = [data[argument] for argument in NAMED if argument in data]
                zfs_resource.refuse_protected(context.world, f"{SERVICE}.{name}", *changed)
            try:
                return await handler(context, data)
            except Refused as refused:
                raise ValidationError(f"{SERVICE}.{name}", refused.text, refused.errno) from refused

        method(f"{SERVICE}.{name}", releases=LIBVIRT_HAS, roles=roles, model=model)(called)
        return called

    return register


def snapshot_path(path: str, argument: str = "path") -> str:
    if "@" not in path:
        raise Refused(f"{argument} must be a snapshot path (containing '@').", errnos.EINVAL)
    return path


def dataset_path(path: str) -> str:
    if "@" in path:
        raise Refused("dataset must be a dataset path (not containing '@').", errnos.EINVAL)
    return path


# reading


def row(snapshot: Snapshot, data: Row) -> Row:
    return {
        "createtxg": snapshot.txg,
        "guid": snapshot.guid,
        "name": snapshot.id,
        "pool": snapshot.pool,
        "dataset": snapshot.dataset,
        "snapshot_name": snapshot.label,
        "type": "SNAPSHOT",
        "holds": list(snapshot.holds) if data.get("get_holds") else None,
        "properties": properties(snapshot, data.get("properties")),
        "user_properties": dict(snapshot.properties) if data.get("get_user_properties") else None,
    }


def properties(snapshot: Snapshot, wanted: t.Sequence[str] | None) -> Row | None:
    numbers = {
        "creation": int(snapshot.created.timestamp()),
        "createtxg": snapshot.txg,
        "guid": snapshot.guid,
        "used": 0,
        "written": 0,
        "referenced": snapshot.referenced,
        "logicalreferenced": snapshot.referenced,
    }
    if not wanted:
        return None
    return {
        name: {"raw": str(numbers[name]), "source": None, "value": numbers[name]} for name in wanted if name in numbers
    }


def found(world: World, data: Row) -> list[Snapshot]:
    """In the order they were taken in. Without paths the pools' own, or everybody's."""
    storage = world.storage
    zfs = storage.zfs
    snapshots: list[Snapshot] = []
    for path in data["paths"] or [name for name in zfs.datasets if "/" not in name]:
        if "@" in path:
            snapshots.append(zfs_resource.find(storage, path))
        elif not zfs.exists(path):
            raise zfs_resource.not_found(path)
        else:
            below = zfs.children(path) if data["recursive"] else [path]
            below = zfs_resource.shown(world, below, data["paths"])
            snapshots += [each for dataset in below for each in zfs.of(dataset)]
    return sorted(snapshots, key=lambda each: each.txg)


@says_what_was_wrong("query", models.QuerySnapshots, *READ)
async def query(context: Context, data: Row) -> list[Row]:
    least, most = data["min_txg"], data["max_txg"] or float("inf")
    return [row(each, data) for each in found(context.world, data) if least <= each.txg <= most]


@says_what_was_wrong("count", models.CountSnapshots, *READ)
async def count(context: Context, data: Row) -> dict[str, int]:
    counted: dict[str, int] = {}
    for each in found(context.world, data):
        counted[each.dataset] = counted.get(each.dataset, 0) + 1
    return counted


@says_what_was_wrong("holds", models.Holds, *READ)
async def holds(context: Context, data: Row) -> list[str]:
    return list(zfs_resource.find(context.world.storage, snapshot_path(data["path"])).holds)


# changing


@says_what_was_wrong("create", models.CreateSnapshot, *WRITE)
async def create(context: Context, data: Row) -> Row:
    if "@" in data["name"]:
        raise Refused("name must be a snapshot name (not containing '@').", errnos.EINVAL)
    taken = await zfs_resource.take(
        context.world.storage,
        dataset_path(data["dataset"]),
        data["name"],
        recursive=data["recursive"],
        exclude=data["exclude"],
        properties=data["user_properties"],
    )
    return row(taken, {"properties": IN_CREATE_REPLY})


@says_what_was_wrong("destroy", models.DestroySnapshot, "SNAPSHOT_DELETE")
async def destroy(context: Context, data: Row) -> None:
    storage, path = context.world.storage, data["path"]
    if data["all_snapshots"]:
        if "@" in path:
            raise Refused("When all_snapshots is True, path must be a dataset path (no '@').", errnos.EINVAL)
        going = found(context.world, {"paths": [path], "recursive": data["recursive"]})
    elif "@" not in path:
        hint = "Use all_snapshots=True to destroy all snapshots for a dataset."
        raise Refused(f"Path must be a snapshot path (containing '@'). {hint}", errnos.EINVAL)
    else:
        itself = zfs_resource.find(storage, path)
        going = storage.zfs.same_label(path) if data["recursive"] else [itself]
    await zfs_resource.drop(storage, going, defer=data["defer"])


@says_what_was_wrong("rename", models.RenameSnapshot, *WRITE)
async def rename(context: Context, data: Row) -> None:
    zfs, old, new = context.world.storage.zfs, data["current_name"], data["new_name"]
    dataset = snapshot_path(old, "current_name").partition("@")[0]
    if snapshot_path(new, "new_name").partition("@")[0] != dataset:
        text = f"Cannot rename snapshot to a different dataset. Dataset must remain '{dataset}'."
        raise Refused(text, errnos.EINVAL)
    zfs_resource.find(context.world.storage, old)
    label = new.partition("@")[2]
    for each in zfs.same_label(old) if data["recursive"] else [zfs.snapshots[old]]:
        if f"{each.dataset}@{label}" in zfs.snapshots:
            raise zfs_resource.exists(f"{each.dataset}@{label}")
        zfs.rename(each.id, f"{each.dataset}@{label}")


@says_what_was_wrong("clone", models.CloneSnapshot, *WRITE)
async def clone(context: Context, data: Row) -> None:
    snapshot, dataset = snapshot_path(data["snapshot"], "snapshot"), dataset_path(data["dataset"])
    await zfs_resource.clone(context.world.storage, snapshot, dataset, data["properties"])


@says_what_was_wrong("rollback", models.RollbackSnapshot, *WRITE)
async def rollback(context: Context, data: Row) -> None:
    wanted = {key: data[key] for key in ("recursive", "recursive_clones", "recursive_rollback")}
    await zfs_resource.rollback(context.world.storage, snapshot_path(data["path"]), **wanted)


@says_what_was_wrong("hold", models.HoldSnapshot, *WRITE)
async def hold(context: Context, data: Row) -> None:
    path = snapshot_path(data["path"])
    await zfs_resource.hold(context.world.storage, path, recursive=data["recursive"], tag=data["tag"])


@says_what_was_wrong("release", models.ReleaseSnapshot, *WRITE)
async def release(context: Context, data: Row) -> None:
    path = snapshot_path(data["path"])
    await zfs_resource.release(context.world.storage, path, recursive=data["recursive"], tag=data["tag"])
