# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does TrueNAS 26 do with a container and its libvirt domain, and in which words does it refuse?

Follows middleware plugins/container and truenas_pylibvirt, whose errors reach a client as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno as errnos
import typing as t

from tests.simulator import zfs_resource
from tests.simulator.domain import DEFAULT_BRIDGE, EVENT, RUNNING, Domain
from tests.simulator.errors import CallError, GenericError, ValidationError
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
    return [world.bridge or DEFAULT_BRIDGE, *(name for name in world.interfaces if name.startswith("br"))]


def others(world: World) -> list[str]:
    """The interfaces that a container may be on with an address of its own."""
    return [each.name for each in world.interfaces.values() if each.type != "BRIDGE"]


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
    if domain.status == "RUNNING":
        if domain.forgotten:
            raise GenericError("Requested operation is not valid: Domain is already running", "libvirtError")
        domain.forgotten = True
        raise GenericError(f"Domain '{domain.name}' is already started (<DomainState.RUNNING: 'RUNNING'>).", "Error")
    if not world.storage.zfs.exists(domain.dataset):
        raise CallError(f"Dataset '{domain.dataset}' not found", errnos.ENOTDIR)
    missing = missing_devices(world, domain)
    if missing:
        raise GenericError(f"Cannot start domain '{domain.name}':\n" + "\n".join(missing), "Error")
    await asyncio.sleep(world.options.start_seconds)
    await _write_name(world, domain)
    tell(world, domain, emit)
    await world.engine.start(domain.name, cpu=domain.cpu, memory=None, environment=domain.environment)
    world.show_started(domain)
    tell(world, domain, emit)


def missing_devices(world: World, domain: Domain) -> list[str]:
    there = {*bridges(world), *others(world), None}
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
    """A container that does not listen goes on running, and that is no error."""
    if domain.domain_state is None:
        raise GenericError(f"Domain '{domain.name}' does not exist", "DomainDoesNotExistError")
    if domain.domain_state != RUNNING:
        raise GenericError(f"Domain '{domain.name}' is not active", "Error")
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
    if domain.status == "RUNNING":
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
    if domain.domain_state == RUNNING:
        await asyncio.sleep(world.options.stop_seconds)
        await world.engine.stop(domain.name, force=True)
        domain.show_stopped()
    del world.containers[domain.name]
    if world.faults.take("busy_delete", "container.delete"):
        return  # the middleware ignores the result: the dataset stays
    zfs_resource.refuse_missing(world.storage, domain.dataset)
    zfs_resource.refuse_full(world.storage, domain.dataset)
    await world.storage.destroy(domain.dataset)
