# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pool.snapshot.* since TrueNAS 26: what `zfs.resource.snapshot.*` does, with other arguments, rows and errors."""

from __future__ import annotations

import datetime
import errno as errnos
import typing as t

from tests.simulator import query, zfs_resource
from tests.simulator.errors import GenericError, InstanceNotFound, ValidationError
from tests.simulator.models import snapshot as models
from tests.simulator.models.pool_snapshot import Create
from tests.simulator.models.query import GetInstance, query_model
from tests.simulator.registry import method
from tests.simulator.releases import LIBVIRT_HAS, RELEASES
from tests.simulator.zfs_resource import Refused

if t.TYPE_CHECKING:
    from tests.simulator.models.base import Model
    from tests.simulator.registry import Context, Handler
    from tests.simulator.zfs import Snapshot

Row = dict[str, t.Any]

READ = ("SNAPSHOT_READ", "SNAPSHOT_WRITE")
WRITE = ("SNAPSHOT_WRITE",)
EVENT = "pool.snapshot.query"
IN_CREATE_REPLY = ("createtxg", "creation")
"""Properties in the row of a new snapshot; other rows have the requested ones."""


def on_26(name: str, model: type[Model], *roles: str) -> t.Callable[[Handler], Handler]:
    return method(f"pool.snapshot.{name}", releases=LIBVIRT_HAS, roles=roles, model=model)


# reading


def row(snapshot: Snapshot, extra: t.Mapping[str, t.Any]) -> Row:
    """`holds` and `retention` are there only when asked for."""
    known = properties(snapshot)
    shown: Row = {
        "id": snapshot.id,
        "name": snapshot.id,
        "pool": snapshot.pool,
        "type": "SNAPSHOT",
        "snapshot_name": snapshot.label,
        "dataset": snapshot.dataset,
        "createtxg": str(snapshot.txg),
        "properties": {name: known[name] for name in extra.get("properties") or () if name in known},
    }
    if extra.get("holds"):
        shown["holds"] = {"truenas": 1} if "truenas" in snapshot.holds else {}
    if extra.get("retention"):
        shown["retention"] = None
    return shown


def properties(snapshot: Snapshot) -> dict[str, Row]:
    numbers = {
        "createtxg": snapshot.txg,
        "creation": int(snapshot.created.timestamp()),
        "guid": snapshot.guid,
        "used": 0,
        "written": 0,
        "referenced": snapshot.referenced,
        "logicalreferenced": snapshot.referenced,
    }
    return {
        name: {"value": str(number), "rawvalue": str(number), "source": "NONE", "parsed": number}
        for name, number in numbers.items()
    }


def query_snapshots(context: Context, filters: list[t.Any], options: Row) -> t.Any:
    extra = options["extra"]
    least, most = extra.get("min_txg") or 0, extra.get("max_txg") or float("inf")
    datasets = zfs_resource.shown(context.world, context.world.storage.zfs.datasets, looked_up(filters))
    known = set(datasets)
    found = [each for each in context.world.snapshots.values() if least <= each.txg <= most and each.dataset in known]
    return query.apply([row(each, extra) for each in found], filters, options)


def looked_up(filters: list[t.Any]) -> list[str]:
    """The datasets and snapshots that filters name, which the middleware looks up instead of listing all."""
    equal = [each for each in filters if len(each) == 3 and each[0] in ("id", "name", "dataset")]
    one = [str(value) for _field, operator, value in equal if operator == "="]
    return one + [str(value) for _field, operator, values in equal if operator == "in" for value in values]


for name in LIBVIRT_HAS:
    method("pool.snapshot.query", releases=[name], roles=READ, model=query_model(RELEASES[name]))(query_snapshots)


@on_26("get_instance", GetInstance, *READ)
def get_instance(context: Context, id: str, options: Row) -> Row:
    if id not in context.world.snapshots:
        raise InstanceNotFound(f"{context.release.snapshot_noun} {id} does not exist")
    shown = row(context.world.snapshots[id], options["extra"])
    return t.cast(Row, query.apply([shown], [], {"select": options["select"], "get": True}))


# changing; errors of `zfs.resource.snapshot` are not caught here


def refuse_protected(context: Context, action: str, *paths: str) -> None:
    zfs_resource.refuse_protected(context.world, f"zfs.resource.snapshot.{action}", *paths)


def uncaught(refused: Refused) -> GenericError:
    return GenericError(refused.text, "ZFSException")


@on_26("create", Create, *WRITE)
async def create(context: Context, data: Row) -> Row:
    refuse_protected(context, "create", data["dataset"])
    label = data.get("name") or datetime.datetime.now().astimezone().strftime(data["naming_schema"])
    properties = {key: str(value) for key, value in data["properties"].items()}
    try:
        taken = await zfs_resource.take(
            context.world.storage,
            data["dataset"],
            label,
            recursive=data["recursive"],
            exclude=data["exclude"],
            properties=properties,
        )
    except Refused as refused:
        if refused.errno == errnos.EEXIST:
            raise ValidationError("pool.snapshot.create", f"{label} already exists.", errnos.EEXIST) from refused
        raise uncaught(refused) from refused
    made = row(taken, {"properties": IN_CREATE_REPLY})
    context.emit(EVENT, "added", id=taken.id, fields=made)
    return made


@on_26("delete", models.Delete, "SNAPSHOT_DELETE")
async def delete(context: Context, id: str, options: Row) -> bool:
    storage = context.world.storage
    if "@" not in id:
        raise ValidationError("pool.snapshot.delete", f"Invalid snapshot name: {id!r}")
    if id not in storage.zfs.snapshots:
        raise InstanceNotFound(f"Snapshot {id} not found")
    refuse_protected(context, "destroy", id)
    going = storage.zfs.same_label(id) if options["recursive"] else [storage.zfs.snapshots[id]]
    try:
        await zfs_resource.drop(storage, going, defer=options["defer"])
    except Refused as refused:
        raise ValidationError("zfs.resource.snapshot.destroy", refused.text, refused.errno) from refused
    context.emit(EVENT, "removed", id=id)
    return True


@on_26("rollback", models.Rollback, *WRITE, "POOL_WRITE")
async def rollback(context: Context, id: str, options: Row) -> None:
    """A running container sees its files change."""
    refuse_protected(context, "rollback", id)
    wanted = {key: value for key, value in options.items() if key != "force"}
    try:
        await zfs_resource.rollback(context.world.storage, id, **wanted)
    except Refused as refused:
        raise uncaught(refused) from refused


@on_26("clone", models.Clone, *WRITE, "DATASET_WRITE")
async def clone(context: Context, data: Row) -> bool:
    """It is mounted; one at a container's place is no container for that."""
    refuse_protected(context, "clone", data["snapshot"], data["dataset_dst"])
    properties = data["dataset_properties"]
    try:
        await zfs_resource.clone(context.world.storage, data["snapshot"], data["dataset_dst"], properties)
    except Refused as refused:
        raise uncaught(refused) from refused
    return True


@on_26("hold", models.Hold, *WRITE)
async def hold(context: Context, id: str, options: Row) -> None:
    refuse_protected(context, "hold", id)
    try:
        await zfs_resource.hold(context.world.storage, id, recursive=options["recursive"])
    except Refused as refused:
        raise uncaught(refused) from refused


@on_26("release", models.Hold, *WRITE)
async def release(context: Context, id: str, options: Row) -> None:
    refuse_protected(context, "release", id)
    try:
        await zfs_resource.release(context.world.storage, id, recursive=options["recursive"])
    except Refused as refused:
        raise uncaught(refused) from refused


@on_26("update", models.Update, *WRITE)
def update(context: Context, id: str, data: Row) -> None:
    """It does nothing, and says nothing."""


@on_26("rename", models.Rename, *WRITE)
def rename(context: Context, id: str, options: Row) -> None:
    """It asks for datasets to be renamed, which takes no snapshot."""
    raise ValidationError("zfs.resource.rename", "Use `zfs.resource.snapshot.rename` to rename snapshots.")
