# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""zfs.resource.query and zfs.resource.destroy of TrueNAS 26: every dataset; RC.1 protects those of containers."""

from __future__ import annotations

import errno as errnos
import typing as t

from tests.simulator import zfs_resource
from tests.simulator.errors import ValidationError
from tests.simulator.models import zfs_resource as models
from tests.simulator.registry import method
from tests.simulator.releases import LIBVIRT_HAS
from tests.simulator.zfs import ZfsError

if t.TYPE_CHECKING:
    from tests.simulator.registry import Context
    from tests.simulator.world import World
    from tests.simulator.zfs import Dataset

Row = dict[str, t.Any]

SERVICE = "zfs.resource"


def mountpoint(world: World, dataset: Dataset) -> str:
    """Return the path below `/mnt`; for containers, the pool and the parent dataset are swapped."""
    pool, _slash, rest = dataset.name.partition("/")
    folder, _slash, below = rest.partition("/")
    if folder != world.storage.layout.folder:
        return f"/mnt/{dataset.name}"
    return "/".join(part for part in (world.storage.layout.mounted_below, pool, below) if part)


def row(world: World, dataset: Dataset, wanted: t.Sequence[str] | None) -> Row:
    """With all properties that are known here, unless some are named; none with null."""
    values: dict[str, t.Any] = {
        "createtxg": dataset.txg,
        "mounted": True,
        "mountpoint": mountpoint(world, dataset),
        "origin": dataset.origin or "",
        "type": "filesystem",
    }
    chosen = list(values) if wanted == [] else [name for name in wanted or () if name in values]
    raw = {True: "yes"}
    shown = {
        name: {"raw": raw.get(values[name], str(values[name])), "source": None, "value": values[name]}
        for name in chosen
    }
    return {
        "createtxg": dataset.txg,
        "guid": dataset.txg,
        "name": dataset.name,
        "pool": dataset.name.partition("/")[0],
        "properties": None if wanted is None else shown,
        "type": "FILESYSTEM",
        "user_properties": None,
        "children": [],
        "tier": None,
    }


@method(f"{SERVICE}.query", releases=LIBVIRT_HAS, roles=("ZFS_RESOURCE_READ",), model=models.Query)
def query(context: Context, data: Row) -> list[Row]:
    """The pools themselves where no path is given."""
    zfs = context.world.storage.zfs
    names: list[str] = []
    for path in data["paths"] or [name for name in zfs.datasets if "/" not in name]:
        if "@" in path:
            raise ValidationError(
                f"{SERVICE}.query", "Use `zfs.resource.snapshot.query` to query snapshot information."
            )
        zfs_resource.refuse_missing(context.world.storage, path)
        names += zfs.children(path) if data["get_children"] else [path]
    names = zfs_resource.shown(context.world, names, data["paths"])
    return [row(context.world, zfs.datasets[name], data["properties"]) for name in names]


@method(f"{SERVICE}.destroy", releases=LIBVIRT_HAS, roles=("ZFS_RESOURCE_DELETE",), model=models.Destroy)
async def destroy(context: Context, data: Row) -> None:
    storage, path = context.world.storage, data["path"]
    refuse(path)
    zfs_resource.refuse_protected(context.world, f"{SERVICE}.destroy", path)
    zfs_resource.refuse_missing(storage, path)
    if not data["recursive"]:
        zfs_resource.refuse_full(storage, path)
    try:
        await zfs_resource.destroy(storage, path, recursive=data["recursive"])
    except ZfsError as error:
        raise ValidationError(f"{SERVICE}.destroy", str(error), errnos.EFAULT) from error


def refuse(path: str) -> None:
    """Raises ValidationError for what is no dataset below a pool."""
    text = None
    if path.startswith("/"):
        text = "Absolute path is invalid. Must be in form of <pool>/<resource>."
    elif path.endswith("/"):
        text = "Path must not end with a forward-slash."
    elif "@" in path:
        text = "Use `zfs.resource.snapshot.destroy` to destroy snapshots."
    elif "/" not in path:
        text = "Destroying the root filesystem is not allowed."
    if text is not None:
        raise ValidationError(f"{SERVICE}.destroy", text)
