# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does Incus do with a container, how long does that take, and in which words does it refuse?

The middleware waits for an operation only so long; Incus goes on with it all the same.
"""

from __future__ import annotations

import asyncio
import typing as t

from tests.simulator import images
from tests.simulator.errors import CallError
from tests.simulator.incus_rules import check_name, cpu_is_valid
from tests.simulator.instance import Instance
from tests.simulator.zfs import ZfsError

if t.TYPE_CHECKING:
    from tests.simulator.registry import Emit
    from tests.simulator.world import World

Progress = t.Callable[[int, str], None]

PROGRESS = (
    "rootfs: 37% (12.34MB/s)",
    "rootfs: 82% (12.61MB/s)",
    "Unpacking image: 33%",
    "Unpacking image: 80%",
)
NO_SHUTDOWN_TIMEOUT = 600
"""What Incus makes of a timeout below -1."""


async def within(world: World, limit: float, operation: t.Coroutine[t.Any, t.Any, None]) -> None:
    """Wait for an operation as long as the middleware does. Raises CallError C(Timed out); the operation goes on."""
    task = asyncio.create_task(operation)
    world.keep(task)
    done, _waiting = await asyncio.wait({task}, timeout=limit)
    if not done:
        raise CallError("Timed out")
    task.result()


async def create(world: World, instance: Instance, image: str, progress: Progress) -> None:
    """Download, unpack and register; the container is stopped afterwards."""
    check_name(instance.name)
    found = images.find(image)
    if instance.storage_pool not in world.storage_pools:
        raise CallError("Failed creating instance record: Failed initializing instance: Storage pool not found")
    if not cpu_is_valid(instance.cpu):
        raise CallError("Failed creating instance record: Invalid CPU limit syntax")
    instance.image, instance.base_image = found.description(), found.fingerprint
    await within(world, world.options.create_limit, _create(world, instance, image, progress))


async def _create(world: World, instance: Instance, image: str, progress: Progress) -> None:
    for text in PROGRESS:
        progress(0, text)
        await asyncio.sleep(world.options.create_seconds / len(PROGRESS))
    await world.engine.create(instance.name, image)
    world.add(instance)


async def start(world: World, instance: Instance, emit: Emit) -> None:
    """Raises CallError with Incus' own text."""
    _refuse_busy(instance)
    if instance.status == "RUNNING":
        raise CallError("The instance is already running")
    _refuse_what_cannot_start(world, instance)
    await within(world, world.options.operation_limit, _start(world, instance, emit))


async def _start(world: World, instance: Instance, emit: Emit) -> None:
    instance.busy = "start"
    try:
        await asyncio.sleep(world.options.start_seconds)
        await world.engine.start(
            instance.name, cpu=instance.cpu, memory=instance.memory, environment=instance.environment
        )
    finally:
        instance.busy = None
    world.show_started(instance)
    emit("virt.instance.query", "changed", id=instance.name, fields={"status": "RUNNING"})


async def stop(
    world: World, instance: Instance, emit: Emit, *, timeout: int = -1, force: bool = False, method: str
) -> None:
    """C(timeout) is in seconds; 0 is a forced stop. Raises CallError with Incus' own text."""
    _refuse_busy(instance)
    if instance.status == "STOPPED":
        raise CallError("The instance is already stopped")
    force = force or timeout == 0
    hangs = not force and bool(world.faults.take("stop_times_out", method))
    operation = _stop(world, instance, emit, timeout=timeout, force=force, hangs=hangs)
    await within(world, world.options.operation_limit, operation)


async def _stop(world: World, instance: Instance, emit: Emit, *, timeout: int, force: bool, hangs: bool) -> None:
    patience = float("inf") if timeout == -1 else NO_SHUTDOWN_TIMEOUT if timeout < -1 else timeout
    needed = 0.0 if force else world.options.stop_seconds
    instance.busy = "stop"
    try:
        await asyncio.sleep(min(needed, patience))
        if hangs or needed > patience:
            raise _took_too_long(instance)
        try:
            await world.engine.stop(instance.name, force=force, timeout=None if timeout == -1 else patience)
        except TimeoutError as error:
            raise _took_too_long(instance) from error
    finally:
        instance.busy = None
    instance.status = "STOPPED"
    instance.aliases = []
    emit("virt.instance.query", "changed", id=instance.name, fields={"status": "STOPPED"})


def _took_too_long(instance: Instance) -> CallError:
    status = instance.status.capitalize()
    return CallError(f'Failed shutting down instance, status is "{status}": context deadline exceeded')


async def delete(world: World, instance: Instance, method: str) -> None:
    """The dataset goes with all its snapshots, or is put aside when one of them has a clone."""
    _refuse_busy(instance)
    if world.faults.take("busy_delete", method):
        raise CallError(_cannot_destroy(instance.dataset, f"cannot destroy '{instance.dataset}': dataset is busy"))
    try:
        await world.storage.remove_container(instance.dataset)
    except ZfsError as error:
        raise CallError(_cannot_destroy(instance.dataset, str(error))) from error
    world.instances.pop(instance.name, None)


def _cannot_destroy(dataset: str, text: str) -> str:
    return f"Error deleting storage volume: Failed to run: zfs destroy -r {dataset}: exit status 1 ({text})"


def _refuse_busy(instance: Instance) -> None:
    if instance.busy:
        raise CallError(f'Instance is busy running a "{instance.busy}" operation')


def _refuse_what_cannot_start(world: World, instance: Instance) -> None:
    if not world.storage.zfs.exists(instance.dataset):
        text = f"Failed to run: zfs get -H -p -o value mountpoint {instance.dataset}: exit status 1"
        raise CallError(f"Failed preparing container for start: {text} (cannot open: dataset does not exist)")
    if images.find(instance.base_image).nesting:
        raise CallError(
            "The image used by this instance requires nesting. Please set security.nesting=true on the instance"
        )
    for name, device in instance.devices.items():
        parent = device.get("parent")
        if device["type"] == "nic" and parent and parent not in world.interfaces:
            text = f'Failed to start device "{name}": Parent device "{parent}" doesn\'t exist'
            raise CallError(f"Failed preparing container for start: {text}")
