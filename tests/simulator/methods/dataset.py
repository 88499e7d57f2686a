# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pool.dataset.query, which hides what belongs to containers, and the private zfs.dataset.*, which does not."""

from __future__ import annotations

import errno as errnos
import typing as t

import pydantic

from tests.simulator import query
from tests.simulator.errors import CallError, InstanceNotFound
from tests.simulator.models.base import Model
from tests.simulator.models.query import GetInstance, query_model
from tests.simulator.registry import method
from tests.simulator.releases import INCUS_HAS, RELEASES
from tests.simulator.zfs import ZfsError

if t.TYPE_CHECKING:
    from tests.simulator.layout import Layout
    from tests.simulator.registry import Context
    from tests.simulator.zfs import Dataset

Row = dict[str, t.Any]

READ = ("DATASET_READ", "DATASET_WRITE")


class DestroyOptions(Model):
    force: bool = False
    recursive: bool = False
    recursively_remove_dependents: bool = False


class Destroy(Model):
    id: str
    options: DestroyOptions = pydantic.Field(default_factory=DestroyOptions)


class Name(Model):
    id: str


class NewName(Model):
    new_name: str
    recursive: bool = False


class Rename(Model):
    id: str
    options: NewName


def row(dataset: Dataset, layout: Layout) -> Row:
    """Enough of an entry to find a dataset by."""
    origin = dataset.origin or ""
    return {
        "id": dataset.name,
        "type": "FILESYSTEM",
        "name": dataset.name,
        "pool": dataset.name.partition("/")[0],
        "encrypted": False,
        "children": [],
        "locked": False,
        "mountpoint": None if layout.holds(dataset.name) else f"/mnt/{dataset.name}",
        "origin": {"value": origin, "rawvalue": origin, "parsed": origin, "source": "NONE"},
    }


def visible(context: Context) -> list[Row]:
    storage = context.world.storage
    return [row(each, storage.layout) for each in storage.zfs.datasets.values() if not storage.layout.holds(each.name)]


def query_visible(context: Context, filters: list[t.Any], options: Row) -> t.Any:
    return query.apply(visible(context), filters, options)


def query_all(context: Context, filters: list[t.Any], options: Row) -> t.Any:
    """Return the requested properties in a separate dictionary (plugins/zfs_)."""
    rows = []
    storage = context.world.storage
    for each in storage.zfs.datasets.values():
        shown = row(each, storage.layout)
        origin = shown.pop("origin")
        txg = {"value": str(each.txg), "rawvalue": str(each.txg), "parsed": str(each.txg), "source": "NONE"}
        rows.append({**shown, "properties": asked_for({"origin": origin, "createtxg": txg}, options["extra"])})
    return query.apply(rows, filters, options)


def asked_for(properties: Row, extra: Row) -> Row:
    if not extra.get("retrieve_properties", True):
        return {}
    wanted = extra.get("properties")
    return {name: value for name, value in properties.items() if wanted is None or name in wanted}


for each in RELEASES.values():
    method("pool.dataset.query", releases=[each.name], roles=READ, model=query_model(each))(query_visible)

for each in (RELEASES[name] for name in INCUS_HAS):
    method("zfs.dataset.query", releases=[each.name], private=True, model=query_model(each))(query_all)


@method("pool.dataset.get_instance", roles=READ, model=GetInstance)
def get_instance(context: Context, id: str, options: Row) -> Row:
    found = next((each for each in visible(context) if each["id"] == id), None)
    if found is None:
        raise InstanceNotFound(f"PoolDataset {id} does not exist")
    return found


@method("zfs.dataset.delete", releases=INCUS_HAS, private=True, model=Destroy)
async def delete(context: Context, id: str, options: Row) -> bool:
    """Private. A mounted container's dataset is busy, and so is one with a held snapshot."""
    world = context.world
    if world.storage.layout.container_of(id) and world.is_mounted(id.partition("/")[0], id.rpartition("/")[2]):
        raise CallError(f"Failed to delete dataset: cannot destroy '{id}': dataset is busy", errnos.EBUSY)
    try:
        recursive, dependents = options["recursive"], options["recursively_remove_dependents"]
        await world.storage.destroy(id, recursive=recursive or dependents, dependents=dependents)
    except ZfsError as error:
        raise CallError(f"Failed to delete dataset: {error}", errnos.EBUSY if error.busy else errnos.EFAULT) from error
    return True


@method("zfs.dataset.rename", releases=INCUS_HAS, private=True, model=Rename)
async def rename(context: Context, id: str, options: Row) -> None:
    """Private. A dataset that ZFS mounted is mounted again at its new path; one of Incus is unchanged."""
    refuse_unknown(context, id)
    try:
        await context.world.storage.move(id, options["new_name"])
    except ZfsError as error:
        raise CallError(f"Failed to rename dataset: {error}") from error


@method("zfs.dataset.promote", releases=INCUS_HAS, private=True, model=Name)
async def promote(context: Context, id: str) -> None:
    """Private."""
    refuse_unknown(context, id)
    try:
        await context.world.storage.promote(id)
    except ZfsError as error:
        raise CallError(f"Failed to promote dataset: {error}") from error


@method("pool.dataset.promote", roles=("DATASET_WRITE",), model=Name)
async def promote_clone(context: Context, id: str) -> None:
    """Also for datasets of containers, which the rest of pool.dataset hides."""
    zfs = context.world.storage.zfs
    if not zfs.exists(id):
        raise CallError(f'Dataset "{id}" does not exist.', errnos.ENOENT)
    if zfs.datasets[id].origin is None:
        raise CallError("Only cloned datasets can be promoted.", errnos.EBADMSG)
    await promote(context, id)


def refuse_unknown(context: Context, id: str) -> None:
    if not context.world.storage.zfs.exists(id):
        raise CallError(f"Dataset {id!r} not found", errnos.ENOENT)
