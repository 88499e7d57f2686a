# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""virt.global.*: is virtualization set up, on which pools and bridge? (middleware plugins/virt/global.py)"""

from __future__ import annotations

import asyncio
import errno as errnos
import typing as t

from tests.simulator import incus, incus_record
from tests.simulator.errors import CallError, GenericError, Triple, ValidationErrors
from tests.simulator.models.base import Nothing
from tests.simulator.models.virt_global import GlobalUpdate, NetworkName
from tests.simulator.registry import job, method
from tests.simulator.releases import INCUS_HAS
from tests.simulator.world import ERROR, INITIALIZED, LOCKED, NO_POOL

if t.TYPE_CHECKING:
    from tests.simulator.job import Job
    from tests.simulator.registry import Context
    from tests.simulator.world import World

Row = dict[str, t.Any]

POOL_DISABLED = "[DISABLED]"
BRIDGE_AUTO = "[AUTO]"
READ = ("VIRT_GLOBAL_READ", "VIRT_GLOBAL_WRITE")


def entry(world: World) -> Row:
    return {
        "id": 1,
        "pool": world.default_pool,
        "dataset": f"{world.default_pool}/.ix-virt" if world.default_pool else None,
        "storage_pools": list(world.storage_pools),
        "bridge": world.bridge,
        "v4_network": world.v4_network,
        "v6_network": world.v6_network,
        "state": world.state,
    }


def check_initialized(world: World) -> None:
    """Raises CallError."""
    if world.state != INITIALIZED:
        raise CallError("Virtualization not initialized.")


@method("virt.global.config", releases=INCUS_HAS, roles=READ, model=Nothing)
def config(context: Context) -> Row:
    return entry(context.world)


@method("virt.global.pool_choices", releases=INCUS_HAS, roles=READ, model=Nothing)
def pool_choices(context: Context) -> dict[str, str]:
    """Imported, unlocked and without a space; being listed does not mean that containers may live there."""
    pools = {pool.name: pool.name for pool in context.world.pools.values() if not pool.locked and " " not in pool.name}
    return {POOL_DISABLED: "[Disabled]", **pools}


@method("virt.global.bridge_choices", releases=INCUS_HAS, roles=READ, model=Nothing)
def bridge_choices(context: Context) -> dict[str, str]:
    names = [each.name for each in context.world.listed_interfaces if each.type == "BRIDGE"]
    return {BRIDGE_AUTO: "Automatic", **{name: name for name in names}}


@method("virt.global.get_network", releases=INCUS_HAS, roles=READ, model=NetworkName)
def get_network(context: Context, name: str) -> Row:
    world = context.world
    check_initialized(world)
    if name in world.interfaces:
        raise GenericError("'ipv4.address'", "KeyError")
    if name != "incusbr0" or world.bridge is not None:
        raise CallError("Network not found")
    return {
        "type": "BRIDGE",
        "managed": True,
        "ipv4_address": world.v4_network,
        "ipv4_nat": True,
        "ipv6_address": world.v6_network,
        "ipv6_nat": True,
    }


def lock(*_arguments: t.Any) -> str:
    return "virt_global_configuration"


@job("virt.global.update", releases=INCUS_HAS, roles=("VIRT_GLOBAL_WRITE",), model=GlobalUpdate, lock=lock)
async def update(context: Context, job: Job, data: Row) -> Row:
    world = context.world
    new = {key: value for key, value in entry(world).items() if key not in ("id", "dataset", "state")} | data
    if new["storage_pools"] is None:
        raise GenericError("'NoneType' object is not iterable", "TypeError")
    new["pool"] = None if new["pool"] in (None, POOL_DISABLED) else new["pool"]
    new["bridge"] = None if new["bridge"] in (None, BRIDGE_AUTO) else new["bridge"]
    if new["pool"] is not None and new["pool"] not in new["storage_pools"]:
        new["storage_pools"] = [*new["storage_pools"], new["pool"]]
    refuse_wrong_update(context, new)
    if new["pool"] is None:
        await disable(context)
    # an empty network is a generated one, and what was generated stays
    world.v4_network = new["v4_network"] or world.v4_network
    world.v6_network = new["v6_network"] or world.v6_network
    world.default_pool, world.bridge, world.storage_pools = new["pool"], new["bridge"], list(new["storage_pools"])
    await run_setup(context)
    return entry(world)


def refuse_wrong_update(context: Context, new: Row) -> None:
    """Raises ValidationErrors."""
    world = context.world
    wrong: list[Triple] = []

    def add(attribute: str, text: str) -> None:
        wrong.append((f"virt_global_update.{attribute}", text, errnos.EINVAL))

    choices = pool_choices(context)
    if new["bridge"] is not None and new["bridge"] not in bridge_choices(context):
        add("bridge", "Invalid bridge")
    if new["pool"] is not None and new["pool"] not in choices:
        add("pool", "Invalid pool")
    for index, pool in enumerate(new["storage_pools"]):
        if pool not in choices or pool == POOL_DISABLED:
            add(f"storage_pools.{index}", f"{pool}: pool is not available for incus storage")
    if new["pool"] is not None and world.default_pool is not None:
        for pool in world.storage_pools:
            if pool not in new["storage_pools"]:
                add_removal(world, pool, add)
    if wrong:
        raise ValidationErrors(wrong)


def add_removal(world: World, pool: str, add: t.Callable[[str, str], None]) -> None:
    users = sorted(each.name for each in world.instances.values() if each.storage_pool == pool)
    if users:
        text = f"The pool '{pool}' cannot be removed because it is currently used by the following asset(s):"
        add("storage_pools", f"{text}\n- Virt-Instances: {', '.join(users)}")


async def disable(context: Context) -> None:
    """Every running container is stopped the hard way; the datasets stay, so the containers come back later."""
    await incus_record.forget(context.world)


@job("virt.global.setup", releases=INCUS_HAS, private=True, model=Nothing)
async def setup(context: Context, job: Job) -> None:
    """Private: runs at boot and after every update, even one that changes nothing. It fails with the state ERROR."""
    await set_up(context)


async def run_setup(context: Context) -> None:
    """As the middleware does, in a job that full administrators see. Raises CallError."""
    if context.simulator is None:
        await set_up(context)
        return
    method = context.simulator.method("virt.global.setup")
    submitted, _new = context.simulator.jobs.submit(method, [], lambda job: method.handler(context, job), login=None)
    submitted.announced.set()
    await submitted.finished.wait()
    if submitted.failure is not None:
        raise submitted.failure


async def set_up(context: Context) -> None:
    world = context.world
    if world.default_pool is None:
        world.state = NO_POOL
    elif any(world.pools[pool].locked for pool in world.storage_pools if pool in world.pools):
        world.state = LOCKED
    else:
        for pool in world.storage_pools:
            world.storage.add_pool(pool)
        try:
            incus_record.recover(world)
        except CallError:
            world.state = ERROR
            context.emit("virt.global.config", "changed", fields=entry(world))
            raise
        world.state = INITIALIZED
    context.emit("virt.global.config", "changed", fields=entry(world))
    if world.state == INITIALIZED:
        await start_with_the_nas(context)


async def start_with_the_nas(context: Context) -> None:
    waiting = [each for each in context.world.instances.values() if each.autostart and each.status == "STOPPED"]
    starts = [incus.start(context.world, instance, context.emit) for instance in waiting]
    # one container that cannot start is its own affair, as in the core.bulk the middleware uses
    await asyncio.gather(*starts, return_exceptions=True)
