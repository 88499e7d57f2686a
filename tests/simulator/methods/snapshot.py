# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""zfs.snapshot.* of 25.04 and pool.snapshot.* since 25.10: ZFS snapshots, those of containers like any other."""

from __future__ import annotations

import datetime
import errno as errnos
import re
import typing as t
from dataclasses import dataclass

from tests.simulator import query
from tests.simulator.errors import CallError, InstanceNotFound, Triple, ValidationError, ValidationErrors
from tests.simulator.models import snapshot as models
from tests.simulator.models.base import Model, accept
from tests.simulator.models.query import GetInstance, query_model
from tests.simulator.registry import method
from tests.simulator.releases import FANGTOOTH, GOLDEYE, Release
from tests.simulator.snapshot_rows import row
from tests.simulator.zfs import ZfsError

if t.TYPE_CHECKING:
    from tests.simulator.registry import Context, Handler
    from tests.simulator.zfs import Snapshot

Row = dict[str, t.Any]

VALID_LABEL = re.compile(r"[A-Za-z0-9_.: -]+")
LONGEST = 255
RENAME_NEEDS_FORCE = (
    "No safety checks are performed when renaming ZFS resources; this may break existing usages. "
    "If you understand the risks, please set this attribute and try again."
)

READ = ("SNAPSHOT_READ", "SNAPSHOT_WRITE")
WRITE = ("SNAPSHOT_WRITE",)


@dataclass(frozen=True)
class Actions:
    """The arguments and roles of the actions; no role is FULL_ADMIN only."""

    models: dict[str, type[Model]]
    roles: dict[str, tuple[str, ...]]


OLD = Actions(
    models={
        "create": models.OldCreate,
        "update": models.OldUpdate,
        "delete": models.OldDelete,
        "rollback": models.OldRollback,
        "clone": models.OldClone,
        "hold": models.OldHold,
        "release": models.OldHold,
    },
    roles={"create": WRITE, "update": WRITE, "delete": ("SNAPSHOT_DELETE",)},
)
NEW = Actions(
    models={
        "create": models.Create,
        "update": models.Update,
        "delete": models.Delete,
        "rollback": models.Rollback,
        "clone": models.Clone,
        "hold": models.Hold,
        "release": models.Hold,
        "rename": models.Rename,
    },
    roles={
        "create": WRITE,
        "update": WRITE,
        "delete": ("SNAPSHOT_DELETE",),
        "rollback": (*WRITE, "POOL_WRITE"),
        "clone": (*WRITE, "DATASET_WRITE"),
        "hold": WRITE,
        "release": WRITE,
        "rename": WRITE,
    },
)
HANDLERS: dict[str, Handler] = {}


def action(handler: Handler) -> Handler:
    HANDLERS[handler.__name__] = handler
    return handler


def register(service: str, release: Release, actions: Actions) -> None:
    reads = {"releases": [release.name], "roles": READ}
    method(f"{service}.query", **reads, model=query_model(release))(query_snapshots)
    method(f"{service}.get_instance", **reads, model=GetInstance)(get_instance)
    for name, model in actions.models.items():
        roles = actions.roles.get(name, ())
        method(f"{service}.{name}", releases=[release.name], roles=roles, model=model)(HANDLERS[name])


def register_private(release: Release) -> None:
    """zfs.snapshot is still there since 25.10, without a check of arguments, for full admins."""
    handlers = {name: unchecked(HANDLERS[name], model) for name, model in OLD.models.items()}
    handlers["query"] = unchecked(query_snapshots, query_model(FANGTOOTH))
    handlers["get_instance"] = unchecked(get_instance, GetInstance)
    for name, handler in handlers.items():
        method(f"zfs.snapshot.{name}", releases=[release.name], private=True)(handler)


def unchecked(handler: Handler, model: type[Model]) -> Handler:
    """The defaults of the arguments still have to come from somewhere."""

    def called(context: Context, *arguments: t.Any) -> t.Any:
        return handler(context, *accept(model, arguments))

    return called


# reading


def query_snapshots(context: Context, filters: list[t.Any], options: Row) -> t.Any:
    """An unknown id finds nothing, which is no error."""
    zfs, extra = context.world.storage.zfs, options["extra"]
    least, most = extra.get("min_txg") or 0, extra.get("max_txg") or float("inf")
    found = [each for each in zfs.snapshots.values() if least <= each.txg <= most]
    # rows are big: an id is looked up, not searched for, as in the middleware
    if len(filters) == 1 and len(filters[0]) == 3 and filters[0][0] in ("id", "name") and filters[0][1] == "=":
        found = [each for each in found if each.id == filters[0][2]]
    return query.apply([row(zfs, each, extra) for each in found], filters, options)


def get_instance(context: Context, id: str, options: Row) -> Row:
    zfs = context.world.storage.zfs
    if id not in zfs.snapshots:
        raise InstanceNotFound(f"{context.release.snapshot_noun} {id} does not exist")
    selection = {"select": options["select"], "get": True}
    return t.cast(Row, query.apply([row(zfs, zfs.snapshots[id], options["extra"])], [], selection))


def collection(context: Context) -> str:
    return f"{context.release.snapshot_service}.query"


# taking and dropping


@action
async def create(context: Context, data: Row) -> Row:
    dataset, label = data["dataset"], label_of(data)
    id = f"{dataset}@{label}"
    if not VALID_LABEL.fullmatch(label) or len(id) > LONGEST:
        raise ValidationErrors([("snapshot_create.name", "Invalid snapshot name", errnos.EINVAL)])
    properties = {key: str(value) for key, value in data["properties"].items()}
    storage = context.world.storage
    try:
        await storage.take(dataset, label, recursive=data["recursive"], **properties)
    except ZfsError as error:
        number = errnos.EEXIST if error.exists else errnos.EFAULT
        raise CallError(f"Failed to snapshot {id}: {error}", number) from error
    for name in data["exclude"]:
        # the middleware reads all of them, too, and drops those that were not requested
        if f"{name}@{label}" in storage.zfs.snapshots:
            await storage.drop(f"{name}@{label}")
    made = row(storage.zfs, storage.zfs.snapshots[id], {})
    context.emit(collection(context), "added", id=id, fields=made)
    return made


def label_of(data: Row) -> str:
    """Raise ValidationErrors with the messages of 25.04; since 25.10, the model validates this."""
    name, schema = data.get("name"), data.get("naming_schema")
    wrong: Triple | None = None
    if not name and not schema:
        wrong = ("snapshot_create.naming_schema", "You must specify either name or naming schema", errnos.EINVAL)
    elif name and schema:
        text = "You can't specify name and naming schema at the same time"
        wrong = ("snapshot_create.naming_schema", text, errnos.EINVAL)
    if wrong is not None:
        raise ValidationErrors([wrong])
    return str(name or datetime.datetime.now().astimezone().strftime(str(schema)))


@action
async def delete(context: Context, id: str, options: Row) -> bool:
    storage = context.world.storage
    if id not in storage.zfs.snapshots:
        raise InstanceNotFound(f"Snapshot {id} not found")
    clones = storage.zfs.clones(id)
    if clones and not options["defer"] and not options["recursive"]:
        text = f"Please set this attribute as '{id}' snapshot has dependent clones: {', '.join(clones)}"
        raise ValidationErrors([("options.defer", text, errnos.EINVAL)])
    going = storage.zfs.same_label(id) if options["recursive"] else [storage.zfs.snapshots[id]]
    for snapshot in going:
        await drop(context, snapshot, defer=options["defer"], recursive=options["recursive"])
    context.emit(collection(context), "removed", id=id)
    return True


async def drop(context: Context, snapshot: Snapshot, *, defer: bool, recursive: bool) -> None:
    try:
        await context.world.storage.drop(snapshot.id, defer=defer)
    except ZfsError as error:
        if recursive and error.busy:
            hint = f"it's being held. Run 'zfs holds -r {snapshot.id}' to see holders."
            raise CallError(f"cannot destroy snapshot {snapshot.id}: {hint}") from error
        raise CallError(str(error)) from error


# changing


@action
async def update(context: Context, id: str, data: Row) -> Row:
    zfs = context.world.storage.zfs
    if id not in zfs.snapshots:
        raise InstanceNotFound(f"{context.release.snapshot_noun} {id} does not exist")
    snapshot = zfs.snapshots[id]
    for each in data["user_properties_update"]:
        if each.get("remove"):
            snapshot.properties.pop(each["key"], None)
        else:
            snapshot.properties[each["key"]] = each["value"]
    for key in data.get("user_properties_remove", ()):
        snapshot.properties.pop(key, None)
    return row(zfs, snapshot, {})


@action
async def rollback(context: Context, id: str, options: Row) -> None:
    """`zfs rollback`: newer snapshots must be given up on purpose. A running container sees its files change."""
    storage = context.world.storage
    rollbacks = [id]
    if options["recursive_rollback"]:
        rollbacks = [each.id for each in storage.zfs.same_label(id)] or rollbacks
    try:
        for each in rollbacks:
            await storage.rollback(each, newer=options["recursive"], clones=options["recursive_clones"])
    except ZfsError as error:
        raise CallError(f"Failed to rollback snapshot: {error}") from error


@action
async def clone(context: Context, data: Row) -> bool:
    properties = {key: str(value) for key, value in data["dataset_properties"].items()}
    try:
        await context.world.storage.clone(data["snapshot"], data["dataset_dst"], **properties)
    except ZfsError as error:
        raise CallError(f"Failed to clone snapshot: {error}") from error
    return True


@action
async def hold(context: Context, id: str, options: Row) -> None:
    try:
        context.world.storage.hold(id, recursive=options["recursive"])
        await context.world.storage.hold_files(id, recursive=options["recursive"])
    except ZfsError as error:
        raise CallError(f"Failed to hold snapshot: {error}") from error


@action
async def release(context: Context, id: str, options: Row) -> None:
    """Every tag goes; without one it succeeds all the same."""
    try:
        await context.world.storage.release(id, recursive=options["recursive"])
    except ZfsError as error:
        raise CallError(f"Failed to release snapshot: {error}") from error


@action
async def rename(context: Context, id: str, options: Row) -> None:
    if not options["force"]:
        raise ValidationError("pool.snapshot.rename.force", RENAME_NEEDS_FORCE)
    if options["new_name"].partition("@")[0] != id.partition("@")[0]:
        text = "Old and new snapshot must be part of the same ZFS dataset"
        raise ValidationError("pool.snapshot.rename.new_name", text)
    zfs = context.world.storage.zfs
    if id not in zfs.snapshots:
        raise InstanceNotFound(f"Snapshot {id} not found")
    try:
        zfs.rename(id, options["new_name"])
    except ZfsError as error:
        raise CallError(f"Failed to rename snapshot: {error}") from error


register(FANGTOOTH.snapshot_service, FANGTOOTH, OLD)
register(GOLDEYE.snapshot_service, GOLDEYE, NEW)
register_private(GOLDEYE)
