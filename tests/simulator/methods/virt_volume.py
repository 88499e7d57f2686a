# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""virt.volume.*: disks for VMs, as rows and as they come and go (middleware plugins/virt/volume.py)."""

from __future__ import annotations

import errno as errnos
import typing as t

from tests.simulator import query
from tests.simulator.errors import InstanceNotFound, Triple, ValidationErrors
from tests.simulator.methods.virt_global import check_initialized
from tests.simulator.models import virt_volume as models
from tests.simulator.models.query import GetInstance, query_model
from tests.simulator.registry import method
from tests.simulator.releases import INCUS_HAS, RELEASES
from tests.simulator.volume import Volume
from tests.simulator.world import INITIALIZED

if t.TYPE_CHECKING:
    from tests.simulator.registry import Context
    from tests.simulator.world import World

Row = dict[str, t.Any]

READ = ("VIRT_IMAGE_READ", "VIRT_IMAGE_WRITE")
WRITE = ("VIRT_IMAGE_WRITE",)
EVENT = "virt.volume.query"


def known(world: World) -> list[Volume]:
    """Those of the pools that Incus may use, and none unless virtualization is INITIALIZED."""
    if world.state != INITIALIZED:
        return []
    return [each for pool in world.storage_pools for each in world.volumes if each.pool == pool]


def find(world: World, id: str) -> Volume:
    """Raises InstanceNotFound."""
    for each in known(world):
        if each.id(world.release) == id:
            return each
    raise InstanceNotFound(f"VirtVolume {id} does not exist")


def query_volumes(context: Context, filters: list[t.Any], options: Row) -> t.Any:
    world = context.world
    return query.apply([each.row(world.release) for each in known(world)], filters, options)


for each in (RELEASES[name] for name in INCUS_HAS):
    method("virt.volume.query", releases=[each.name], roles=READ, model=query_model(each))(query_volumes)


@method("virt.volume.get_instance", releases=INCUS_HAS, roles=READ, model=GetInstance)
def get_instance(context: Context, id: str, options: Row) -> Row:
    found = find(context.world, id).row(context.release)
    return t.cast(Row, query.apply([found], [], {"select": options["select"], "get": True}))


@method("virt.volume.create", releases=INCUS_HAS, roles=WRITE, model=models.Create)
def create(context: Context, data: Row) -> Row:
    world = context.world
    check_initialized(world)
    made = Volume(data["name"], data["storage_pool"] or str(world.default_pool), data["size"])
    refuse_wrong(world, made)
    world.volumes.append(made)
    row = made.row(world.release)
    context.emit(EVENT, "added", id=row["id"], fields=row)
    return row


def refuse_wrong(world: World, made: Volume) -> None:
    """Raises ValidationErrors."""
    wrong: list[Triple] = []
    if made.id(world.release) in {each.id(world.release) for each in known(world)}:
        wrong.append(("virt_volume_create.name", "Volume with this name already exists", errnos.EINVAL))
    if made.pool not in world.storage_pools:
        text = f"Not a valid storage pool. Choices are: {', '.join(world.storage_pools)}"
        wrong.append(("virt_volume_create.storage_pool", text, errnos.EINVAL))
    if wrong:
        raise ValidationErrors(wrong)


@method("virt.volume.update", releases=INCUS_HAS, roles=WRITE, model=models.Change)
def update(context: Context, id: str, data: Row) -> Row:
    found = find(context.world, id)
    found.megabytes = data.get("size", found.megabytes)
    row = found.row(context.release)
    context.emit(EVENT, "changed", id=id, fields=row)
    return row


@method("virt.volume.delete", releases=INCUS_HAS, roles=WRITE, model=models.Id)
def delete(context: Context, id: str) -> bool:
    context.world.volumes.remove(find(context.world, id))
    context.emit(EVENT, "removed", id=id)
    return True
