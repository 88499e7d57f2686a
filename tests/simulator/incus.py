# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of Incus on a container, with their durations and error messages.

The middleware waits for an operation only so long; Incus goes on with it all the same.
"""

from __future__ import annotations

import asyncio
import typing as t

from tests.simulator import images, incus_record
from tests.simulator.errors import CallError
from tests.simulator.faults import Fault
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
STOP: t.Final = "stop"
NO_SHUTDOWN_TIMEOUT = 600
"""What Incus makes of a timeout below -1."""


async def within(world: World, limit: float, operation: t.Coroutine[t.Any, t.Any, None]) -> None:
    """Wait for an operation as long as the middleware does. Raises CallError `Timed out`; the operation goes on."""
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
    instance.image, instance.base_image, instance.apply_template = found.description(), found.fingerprint, "create"
    await within(world, world.options.create_limit, _create(world, instance, image, progress))


async def _create(world: World, instance: Instance, image: str, progress: Progress) -> None:
    for text in PROGRESS:
        progress(0, text)
        await asyncio.sleep(world.options.create_seconds / len(PROGRESS))
    await world.engine.create(instance.name, image)
    world.add(instance)


async def start(world: World, instance: Instance, emit: Emit) -> None:
    """Raises CallError with Incus' own text."""
    if instance.status == "RUNNING":
        raise CallError("The instance is already running")
    refuse_busy(instance)
    _refuse_what_cannot_start(world, instance)
    await within(world, world.options.operation_limit, _start(world, instance, emit))


async def _start(world: World, instance: Instance, emit: Emit) -> None:
    instance.busy = "start"
    try:
        await asyncio.sleep(world.options.start_seconds)
        await incus_record.apply_templates(world, instance)
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
    """`timeout` is in seconds; 0 is a forced stop. Raises CallError with Incus' own text.

    A stop that timed out goes on, and another one is taken meanwhile: a timed one waits for the same end.
    """
    if instance.busy != STOP:
        refuse_busy(instance)
    if instance.status == "STOPPED":
        raise CallError("The instance is already stopped")
    force = force or timeout == 0
    patience = float("inf") if timeout == -1 else NO_SHUTDOWN_TIMEOUT if timeout < -1 else timeout
    fault = None if force else world.faults.take("stop_times_out", method)
    operation = _stop(world, instance, emit, patience=patience, force=force, fault=fault)
    await within(world, world.options.operation_limit, operation)


async def _stop(world: World, instance: Instance, emit: Emit, *, patience: float, force: bool, fault: t.Any) -> None:
    if instance.going_down is not None and not force:
        done, _waiting = await asyncio.wait({instance.going_down}, timeout=min(patience, world.options.operation_limit))
        if not done:
            raise _took_too_long(instance)
        return
    if instance.going_down is not None:
        instance.going_down.cancel()
    needed = 0.0 if force else world.options.stop_seconds
    late = max(0.0, needed - patience) or None
    if fault:
        needed, late = 0.0, fault.details.get("late") if isinstance(fault, Fault) else None
    instance.busy = STOP
    await asyncio.sleep(min(needed, patience))
    if instance.status == "STOPPED":
        return
    if late is not None:
        instance.shows = "UNKNOWN"
        instance.going_down = asyncio.create_task(_go_down_late(world, instance, emit, late))
        world.keep(instance.going_down)
        raise _took_too_long(instance)
    try:
        if fault:
            raise TimeoutError
        await world.engine.stop(instance.name, force=force, timeout=None if patience == float("inf") else patience)
    except TimeoutError as error:
        asyncio.get_running_loop().call_later(world.options.busy_seconds, _let_go, instance)
        raise _took_too_long(instance) from error
    _show_stopped(world, instance, emit)


async def _go_down_late(world: World, instance: Instance, emit: Emit, seconds: float) -> None:
    """The guest was asked to stop, and takes longer than anybody waited."""
    await asyncio.sleep(seconds)
    await world.engine.stop(instance.name, force=True)
    _show_stopped(world, instance, emit)


def _let_go(instance: Instance) -> None:
    """Incus holds on to a stop that timed out for a while, although the guest has not heard of it."""
    if instance.busy == STOP and instance.going_down is None:
        instance.busy = None


def _show_stopped(world: World, instance: Instance, emit: Emit) -> None:
    """Hide the state of a container that has just stopped for a moment, although its job has ended."""
    instance.busy = instance.going_down = None
    instance.status, instance.aliases = "STOPPED", []
    instance.shows = "UNKNOWN" if world.options.unknown_seconds else None
    stop = instance.starts

    def settle() -> None:
        if instance.starts == stop:
            instance.shows = None

    asyncio.get_running_loop().call_later(world.options.unknown_seconds, settle)
    emit("virt.instance.query", "changed", id=instance.name, fields={"status": "STOPPED"})


def _took_too_long(instance: Instance) -> CallError:
    status = instance.status.capitalize()
    return CallError(f'Failed shutting down instance, status is "{status}": context deadline exceeded')


async def delete(world: World, instance: Instance, method: str) -> None:
    """The dataset goes with all its snapshots, or is put aside when one of them has a clone."""
    refuse_busy(instance)
    if fault := world.faults.take("busy_delete", method):
        # Incus tries to unmount the dataset again and again before it reports the error: for 35 s (6.0.4).
        await asyncio.sleep(fault.details.get("seconds", 0.0))
        mount = instance.layout.mount(instance.storage_pool, instance.name).path
        raise CallError(_cannot_destroy(instance.dataset, f"cannot unmount '{mount}': pool or dataset is busy"))
    try:
        await world.storage.remove_container(instance.dataset)
    except ZfsError as error:
        raise CallError(_cannot_destroy(instance.dataset, str(error))) from error
    world.instances.pop(instance.name, None)


def _cannot_destroy(dataset: str, text: str) -> str:
    return f"Error deleting storage volume: Failed to run: zfs destroy -r {dataset}: exit status 1 ({text})"


def refuse_busy(instance: Instance) -> None:
    if instance.busy:
        raise CallError(f'Instance is busy running a "{instance.busy}" operation')


def _refuse_what_cannot_start(world: World, instance: Instance) -> None:
    # Incus writes it before the container starts, and after the middleware has.
    incus_record.write(world, instance)
    if images.find(instance.base_image).nesting:
        raise CallError(
            "The image used by this instance requires nesting. Please set security.nesting=true on the instance"
        )
    for name, device in instance.devices.items():
        parent = device.get("parent")
        if device["type"] == "nic" and parent and not world.has_interface(parent):
            quoted = f"'{parent}'" if device.get("nictype") == "macvlan" else f'"{parent}"'
            raise CallError(f'Failed to start device "{name}": Parent device {quoted} doesn\'t exist')
