# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""container.* of TrueNAS 26: containers as rows, and their life from create to delete (plugins/container)."""

from __future__ import annotations

import errno as errnos
import typing as t
import uuid

from tests.simulator import images, libvirt, query
from tests.simulator.domain import EVENT, Domain
from tests.simulator.domain_rules import wrong_values
from tests.simulator.errors import CallError, InstanceNotFound, ValidationErrors
from tests.simulator.models import container as models
from tests.simulator.models.base import Nothing
from tests.simulator.models.query import GetNumbered, query_model
from tests.simulator.registry import job, method
from tests.simulator.releases import HALFMOON, HALFMOON_BETA, LIBVIRT_HAS, RELEASES

if t.TYPE_CHECKING:
    from tests.simulator.images import Image
    from tests.simulator.job import Job
    from tests.simulator.registry import Context
    from tests.simulator.world import World

Row = dict[str, t.Any]

READ = ("CONTAINER_READ", "CONTAINER_WRITE")
WRITE = ("CONTAINER_WRITE",)
SAME_NAME = ("uuid", "description", "autostart", "time", "shutdown_timeout", "init", "initdir", "inituser", "initgroup")
"""Members of a row that are called so here, too."""


def lock_by_name(data: Row, *_rest: t.Any) -> str:
    return f"container_create:{data.get('name')}"


def lock_by_id(id: int, *_rest: t.Any) -> str:
    return f"container_stop_{id}"


def lock_deletion(id: int, *_rest: t.Any) -> str:
    return f"container_delete:{id}"


def find(world: World, id: int) -> Domain:
    """Raises InstanceNotFound."""
    for domain in world.domains.values():
        if domain.id == id:
            return domain
    raise InstanceNotFound(f"Container {id} does not exist")


def pools(world: World) -> dict[str, str]:
    """Imported and unlocked."""
    return {pool.name: pool.name for pool in world.pools.values() if not pool.locked}


# rows


def query_containers(context: Context, filters: list[t.Any], options: Row) -> t.Any:
    domains = sorted(context.world.domains.values(), key=lambda domain: domain.id)
    return query.apply([domain.shown(context.world) for domain in domains], filters, options)


for name in LIBVIRT_HAS:
    model = query_model(RELEASES[name])
    method("container.query", releases=[name], roles=READ, model=model)(query_containers)


@method("container.get_instance", releases=LIBVIRT_HAS, roles=READ, model=GetNumbered)
def get_instance(context: Context, id: int, options: Row) -> Row:
    shown = find(context.world, id).shown(context.world)
    return t.cast(Row, query.apply([shown], [], {"select": options["select"], "get": True}))


@method("container.pool_choices", releases=LIBVIRT_HAS, roles=READ, model=Nothing)
def pool_choices(context: Context) -> Row:
    return pools(context.world)


@method("container.image.query_registry", releases=LIBVIRT_HAS, roles=("CONTAINER_IMAGE_WRITE",), model=Nothing)
def query_registry(context: Context) -> list[Row]:
    """Also for other architectures. To read it one must be allowed to write, by a slip of the middleware."""
    found = images.registry().items()
    return [{"name": name, "versions": [{"version": each} for each in image.versions]} for name, image in found]


# from create to delete


@job("container.create", releases=LIBVIRT_HAS, roles=WRITE, model=models.Create, lock=lock_by_name)
async def create(context: Context, job: Job, data: Row) -> Row:
    """Create a container without starting it: `autostart` applies to the boot of the NAS."""
    world = context.world
    pool = checked_pool(world, data)
    image = checked_image(data["image"])
    domain = Domain.new(world, data["name"], image, pool)
    domain.base_image = f"{data['image']['name']}:{data['image']['version']}"
    domain.idmap = chosen_idmap(world, data["idmap"])
    apply(domain, {**data, "uuid": data["uuid"] or domain.uuid})
    await libvirt.create(world, domain, image, job.set_progress)
    made = domain.shown(world)
    context.emit(EVENT, "added", id=domain.id, fields=made)
    return made


def checked_pool(world: World, data: Row) -> str:
    """Everything that is checked before anybody asks for the image. Raises ValidationErrors."""
    wrong = wrong_values("container_create", data, world.containers)
    pool = data["pool"] or world.default_pool
    if pool is None:
        text = "Either configure a preferred pool in lxc settings or provide a pool name."
        wrong.append(("container_create.pool", text, errnos.EINVAL))
    elif pool not in pools(world):
        wrong.append(("container_create.pool", "Pool not found.", errnos.EINVAL))
    if wrong:
        raise ValidationErrors(wrong)
    return str(pool)


def checked_image(wanted: Row) -> Image:
    """Raises ValidationErrors."""
    image = images.registry().get(wanted["name"])
    if image is None:
        text = "Image does not exist in the registry."
        raise ValidationErrors([("container_create.image.name", text, errnos.EINVAL)])
    if wanted["version"] not in image.versions:
        text = "Version does not exist in the registry."
        raise ValidationErrors([("container_create.image.version", text, errnos.EINVAL)])
    return image


def chosen_idmap(world: World, idmap: Row | None) -> Row | None:
    """Return the lowest free slice, unless one was requested."""
    if idmap is None or idmap["type"] != "ISOLATED" or idmap["slice"] is not None:
        return idmap
    taken = {domain.idmap.get("slice") for domain in world.domains.values() if domain.idmap}
    return {**idmap, "slice": next(number for number in range(1, 1000) if number not in taken)}


def apply(domain: Domain, data: Row) -> None:
    """Only what is in it is changed."""
    for key in SAME_NAME:
        if key in data:
            setattr(domain, key, data[key])
    if "cpuset" in data:
        domain.cpu = data["cpuset"]
    if "initenv" in data:
        domain.environment = dict(data["initenv"])
    domain.capabilities_policy = data.get("capabilities_policy", domain.capabilities_policy)
    domain.capabilities_state = dict(data.get("capabilities_state", domain.capabilities_state))


@method("container.update", releases=LIBVIRT_HAS, roles=WRITE, model=models.Change)
async def update(context: Context, id: int, data: Row) -> Row:
    """In the row alone: a container that runs gets to know at its next start."""
    world = context.world
    domain = find(world, id)
    taken = {name for name in world.containers if name != domain.name}
    wrong = wrong_values("container_update", data, taken)
    if wrong:
        raise ValidationErrors(wrong)
    if data.get("name", domain.name) != domain.name:
        await libvirt.rename(world, domain, data["name"])
    if "uuid" in data:
        data = {**data, "uuid": data["uuid"] or str(uuid.uuid4())}
    apply(domain, data)
    changed = domain.shown(world)
    context.emit(EVENT, "changed", id=id, fields=changed)
    return changed


@method("container.start", releases=LIBVIRT_HAS, roles=WRITE, model=models.Id)
async def start(context: Context, id: int) -> None:
    """No job: the call lasts until the container's init runs, and no longer."""
    world = context.world
    await libvirt.to_its_end(world, libvirt.start(world, find(world, id), context.emit))


@job("container.stop", releases=LIBVIRT_HAS, roles=WRITE, model=models.Stop, lock=lock_by_id)
async def stop(context: Context, job: Job, id: int, options: Row) -> None:
    await libvirt.stop(context.world, find(context.world, id), context.emit, **options)


@method("container.delete", releases=[HALFMOON_BETA.name], roles=WRITE, model=models.Id)
async def delete_at_once(context: Context, id: int) -> None:
    """As BETA.3 does: no questions asked of a container that runs, and too late of one that has snapshots."""

    async def work() -> None:
        await libvirt.delete(context.world, find(context.world, id))
        context.emit(EVENT, "removed", id=id)

    await libvirt.to_its_end(context.world, work())


@job("container.delete", releases=[HALFMOON.name], roles=WRITE, model=models.Delete, lock=lock_deletion)
async def delete(context: Context, job: Job, id: int, options: Row) -> None:
    """As RC.1 does: questions first, and the row last (contract 26.0.0-RC.1; middleware 97c6b5252e)."""
    await libvirt.delete_safely(context.world, find(context.world, id), **options)
    context.emit(EVENT, "removed", id=id)


@job(
    "container.migrate",
    releases=LIBVIRT_HAS,
    roles=WRITE,
    model=Nothing,
    lock=lambda: "container.migrate",
    logs=True,
)
async def migrate(context: Context, job: Job) -> None:
    """Nothing of Incus' is here."""
    raise CallError("Legacy containers configuration pool is not set.")
