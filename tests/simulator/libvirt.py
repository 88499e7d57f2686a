# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of TrueNAS 26 on a container and its libvirt domain, with their error messages.

Follows middleware plugins/container and truenas_pylibvirt, whose errors reach a client as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno as errnos
import typing as t

from tests.simulator import zfs_resource
from tests.simulator.domain import DEFAULT_BRIDGE, EVENT, PAUSED, RUNNING, Domain
from tests.simulator.errors import CallError, GenericError, SimulatedError, ValidationError, ValidationErrors
from tests.simulator.zfs import ZfsError

if t.TYPE_CHECKING:
    from tests.simulator.images import Image
    from tests.simulator.registry import Emit
    from tests.simulator.world import World

Progress = t.Callable[[int, str], None]

PULL = (
    (0, "Connecting to image repository..."),
    (8, "Downloading image: 12.0MB / 130.4MB"),
    (80, "Downloading image: 130.4MB / 130.4MB"),
    (80, "Extracting image files..."),
    (95, "Cleaning up temporary files..."),
    (97, "Creating ZFS snapshot..."),
    (100, "Image pull completed successfully"),
)


async def to_its_end(world: World, operation: t.Coroutine[t.Any, t.Any, None]) -> None:
    """An operation is not cancelled with the call that waits for it: a thread does it."""
    task = asyncio.create_task(operation)
    world.keep(task)
    await asyncio.shield(task)


def bridges(world: World) -> list[str]:
    """Those that containers may be on, the one for those without a NIC of their own first; it may come twice."""
    return [
        world.bridge or DEFAULT_BRIDGE,
        *(each.name for each in world.listed_interfaces if each.name.startswith("br")),
    ]


def others(world: World) -> list[str]:
    """The interfaces that a container may be on with an address of its own."""
    return [each.name for each in world.listed_interfaces if each.type != "BRIDGE"]


def tell(world: World, domain: Domain, emit: Emit) -> None:
    """libvirt has told the middleware of a change, which may be none that shows."""
    emit(EVENT, "changed", id=domain.id, fields=domain.shown(world))


# from create to delete


async def create(world: World, domain: Domain, image: Image, progress: Progress) -> None:
    """Raises GenericError where the place is taken; an image that was pulled stays."""
    storage = world.storage
    if not storage.zfs.exists(storage.layout.image(domain.storage_pool, domain.base_image)):
        for percent, text in PULL:
            progress(percent, text)
            await asyncio.sleep(world.options.create_seconds / len(PULL))
    storage.add_pool(domain.storage_pool)
    storage.add_image(domain.storage_pool, domain.base_image)
    if storage.zfs.exists(domain.dataset):
        raise GenericError(f"'{domain.dataset}' already exists", "ZFSPathAlreadyExistsException")
    await world.engine.create(domain.name, image.key)
    world.add(domain)


async def start(world: World, domain: Domain, emit: Emit) -> None:
    """One after the other, whichever container it is."""
    async with world.domain_manager:
        await _start(world, domain, emit)


async def _start(world: World, domain: Domain, emit: Emit) -> None:
    if domain.status != "STOPPED":
        if domain.forgotten:
            raise GenericError("Requested operation is not valid: Domain is already running", "libvirtError")
        domain.forgotten = True
        state = domain.domain_state
        raise not_started(world, f"Domain '{domain.name}' is already started (<DomainState.{state}: '{state}'>).")
    if not world.storage.zfs.exists(domain.dataset):
        raise CallError(f"Dataset '{domain.dataset}' not found", errnos.ENOTDIR)
    missing = missing_devices(world, domain)
    if missing:
        raise not_started(world, f"Cannot start domain '{domain.name}':\n" + "\n".join(missing))
    await asyncio.sleep(world.options.start_seconds)
    await _write_name(world, domain)
    tell(world, domain, emit)
    await world.engine.start(domain.name, cpu=domain.cpu, memory=None, environment=domain.environment)
    world.show_started(domain)
    tell(world, domain, emit)


def not_started(world: World, text: str) -> SimulatedError:
    """What truenas_pylibvirt raises, as it reaches a client."""
    return CallError(text) if world.release.start_errors_are_call_errors else GenericError(text, "Error")


def missing_devices(world: World, domain: Domain) -> list[str]:
    missing = {each.name for each in world.interfaces.values() if not each.made}
    there = {*bridges(world), *others(world), None} - missing
    wanted = [each.attributes["nic_attach"] for each in domain.devices if each.attributes["dtype"] == "NIC"]
    return [f"device.{name}: Device {name} is not available" for name in wanted if name not in there]


async def _write_name(world: World, domain: Domain) -> None:
    """At each start; what cannot be written is only logged."""
    owned: dict[str, t.Any] = {"append": False, "mode": None, "uid": -1, "gid": -1}
    with contextlib.suppress(OSError):
        await world.engine.write_file(domain.name, "/etc/hostname", f"{domain.name}\n".encode(), **owned)
        if await world.engine.stat(domain.name, "/etc/hosts") is not None:
            lines = (await world.engine.read_file(domain.name, "/etc/hosts")).decode(errors="replace").splitlines()
            kept = [line for line in lines if not line.startswith("127.0.1.1")]
            text = "".join(f"{line}\n" for line in [*kept, f"127.0.1.1 {domain.name}"])
            await world.engine.write_file(domain.name, "/etc/hosts", text.encode(), **owned)


async def stop(world: World, domain: Domain, emit: Emit, *, force: bool, force_after_timeout: bool) -> None:
    """A container that does not listen goes on running, and that is no error. One that is suspended is not even asked.

    In truenas_pylibvirt (domain/manager.py), `shutdown` asks while the state is RUNNING, and `destroy` kills what is
    active.
    """
    if domain.domain_state is None:
        raise GenericError(f"Domain '{domain.name}' does not exist", "DomainDoesNotExistError")
    if domain.domain_state not in (RUNNING, PAUSED):
        raise GenericError(f"Domain '{domain.name}' is not active", "Error")
    if domain.domain_state == PAUSED and not force:
        return
    if force or not await _shut_down(world, domain):
        if not force and not force_after_timeout:
            return
        await world.engine.stop(domain.name, force=True)
    domain.show_stopped()
    tell(world, domain, emit)


async def _shut_down(world: World, domain: Domain) -> bool:
    """Ask it every second, for so long as it may take; whether it has stopped."""
    needed, patience = world.options.stop_seconds, domain.shutdown_timeout
    deaf = bool(world.faults.take("stop_times_out", "container.stop"))
    await asyncio.sleep(min(needed, patience))
    if deaf or needed > patience:
        return False
    try:
        await world.engine.stop(domain.name, force=False, timeout=patience)
    except TimeoutError:
        return False
    return True


async def rename(world: World, domain: Domain, name: str) -> None:
    """The dataset is renamed, and its mount point follows. Raises CallError, ValidationError."""
    if domain.status == "RUNNING" or (domain.status != "STOPPED" and world.release.renames_only_the_stopped):
        raise CallError("Container must be stopped before renaming.")
    target = domain.layout.dataset(domain.storage_pool, name)
    try:
        await world.storage.move(domain.dataset, target)
    except ZfsError as error:
        text = f"'{target}' already exists" if error.exists else f"'{domain.dataset}' not found"
        number = errnos.EEXIST if error.exists else errnos.ENOENT
        raise ValidationError("zfs.resource.rename", text, number) from error
    del world.containers[domain.name]
    domain.name = name
    world.containers[name] = domain


async def delete(world: World, domain: Domain) -> None:
    """It is killed first, if need be; the row is gone before anybody looks at the dataset. Raises ValidationError."""
    await kill(world, domain)
    del world.containers[domain.name]
    if world.faults.take("busy_delete", "container.delete"):
        return  # the middleware ignores the result: the dataset stays
    zfs_resource.refuse_missing(world.storage, domain.dataset)
    zfs_resource.refuse_full(world.storage, domain.dataset)
    await world.storage.destroy(domain.dataset)


async def kill(world: World, domain: Domain) -> None:
    if domain.domain_state in (RUNNING, PAUSED):
        await asyncio.sleep(world.options.stop_seconds)
        await world.engine.stop(domain.name, force=True)
        domain.show_stopped()


async def delete_safely(world: World, domain: Domain, *, force: bool, recursive: bool) -> None:
    """Nothing is touched of what is refused, and the row goes last. Raises ValidationErrors, CallError."""
    storage = world.storage
    if domain.status != "STOPPED" and not force:
        text = f"Container {domain.name!r} is {domain.status.lower()}. Stop it first, or pass force=True to stop and"
        raise ValidationErrors([("container_delete.force", f"{text} delete it.", errnos.EBUSY)])
    if storage.zfs.exists(domain.dataset) and not recursive:
        counted = len(storage.zfs.of(domain.dataset))
        below = len(storage.zfs.children(domain.dataset)) > 1
        found = "child datasets" if below else f"{counted} snapshot(s)" if counted else None
        if found is not None:
            text = f"Container {domain.name!r} dataset {domain.dataset!r} has {found}. Set `recursive` to delete the"
            wrong = f"{text} container together with them."
            raise ValidationErrors([("container_delete.recursive", wrong, errnos.ENOTEMPTY)])
    await kill(world, domain)
    if world.faults.take("busy_delete", "container.delete"):
        raise CallError(f"Failed to delete container {domain.name!r} dataset: {domain.dataset!r}: dataset is busy")
    if storage.zfs.exists(domain.dataset):
        try:
            await zfs_resource.destroy(storage, domain.dataset, recursive=recursive)
        except ZfsError as error:
            raise CallError(f"Failed to delete container {domain.name!r} dataset: {error}") from error
    del world.containers[domain.name]
