# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""virt.* as the middleware does it with real Incus (plugins/virt of TS-25.10.6): checks first, then requests."""

from __future__ import annotations

import errno as errnos
import typing as t

from tests.simulator import images
from tests.simulator.device_checks import Check
from tests.simulator.engines.incus import files
from tests.simulator.engines.incus.operations import Operations
from tests.simulator.errors import CallError, ValidationError, ValidationErrors
from tests.simulator.instance import MIB
from tests.simulator.methods import virt_device, virt_instance
from tests.simulator.methods.virt_global import check_initialized
from tests.simulator.virt_devices import free_name, to_incus

if t.TYPE_CHECKING:
    from tests.simulator.engines.incus.world import IncusWorld
    from tests.simulator.job import Job
    from tests.simulator.registry import Context, Handler

Row = dict[str, t.Any]

HANDLERS: dict[str, Handler] = {}
LOG = "/var/log/incus/{}/lxc.log"


def handler(name: str) -> t.Callable[[Handler], Handler]:
    def register(function: Handler) -> Handler:
        HANDLERS[name] = function
        return function

    return register


def world_of(context: Context) -> IncusWorld:
    return t.cast("IncusWorld", context.world)


async def shown(context: Context, id: str) -> Row:
    world = world_of(context)
    await world.look("virt.instance.query")
    return virt_instance.row(world, world.instances[id])


@handler("virt.instance.create")
async def create(context: Context, job: Job, data: Row) -> Row:
    world = world_of(context)
    check_initialized(world)
    instance = virt_instance.new_instance(context, data)
    await world.operations.create(instance, images.find(data["image"]), job.set_progress)
    if data["autostart"]:
        await start_with_log(context, instance.name, log=None)
    made = await shown(context, instance.name)
    context.emit("virt.instance.query", "added", id=instance.name, fields=made)
    return made


@handler("virt.instance.update")
async def update(context: Context, job: Job, id: str, data: Row) -> Row:
    world = world_of(context)
    check_initialized(world)
    virt_instance.find(world, id)
    wrong = virt_instance.wrong_values(world, "virt_instance_update", data) + virt_instance.not_for_containers(data)
    if wrong:
        raise ValidationErrors(wrong)
    record = await world.operations.get(id)
    change_config(record["config"], data)
    await world.operations.put(id, record)
    changed = await shown(context, id)
    context.emit("virt.instance.query", "changed", id=id, fields=changed)
    return changed


def change_config(config: dict[str, str], data: Row) -> None:
    config["boot.autostart"] = "false"
    if "environment" in data:
        for key in [key for key in config if key.startswith("environment.")]:
            del config[key]
        config.update({f"environment.{key}": value for key, value in (data["environment"] or {}).items()})
    limits = {"limits.cpu": ("cpu", data.get("cpu")), "limits.memory": ("memory", None)}
    if data.get("memory"):
        limits["limits.memory"] = ("memory", f"{data['memory'] // MIB}MiB")
    for key, (option, value) in limits.items():
        if option in data and value is None:
            config.pop(key, None)
        elif option in data:
            config[key] = value
    if data.get("autostart") is not None:
        config["user.autostart"] = str(data["autostart"]).lower()
    if data.get("privileged_mode") is not None:
        config["security.privileged"] = str(data["privileged_mode"]).lower()


@handler("virt.instance.start")
async def start(context: Context, job: Job, id: str) -> bool:
    check_initialized(context.world)
    instance = virt_instance.find(context.world, id)
    status = virt_instance.status_of(context.world, instance)
    if status not in ("RUNNING", "STOPPED"):
        text = f"{id}: instance may not be started because current status is: {status}"
        raise ValidationError("virt.instance.start.id", text)
    if status == "STOPPED" and not instance.privileged:
        await world_of(context).operations.set_id_map(id)
    await start_with_log(context, id, job.log)
    return True


async def start_with_log(context: Context, id: str, log: t.Callable[[str], None] | None) -> None:
    world = world_of(context)
    try:
        await world.operations.start(id)
    except CallError as error:
        text = f"Failed to start instance: {error.text.removesuffix('.')}."
        if log is None or await files.look(world.agent, LOG.format(id)) is None:
            raise CallError(text) from error
        ended = await world.agent.run(["tail", "-n", str(virt_instance.LOG_LINES), LOG.format(id)])
        log(ended.stdout.decode(errors="replace"))
        raise CallError(f"{text} Please check job logs.") from error
    context.emit("virt.instance.query", "changed", id=id, fields={"status": "RUNNING"})


@handler("virt.instance.stop")
async def stop(context: Context, job: Job, id: str, options: Row) -> bool:
    await stop_container(context, id, **options)
    return True


async def stop_container(context: Context, id: str, *, timeout: int = -1, force: bool = False) -> None:
    await world_of(context).operations.stop(id, timeout=timeout, force=force)
    context.emit("virt.instance.query", "changed", id=id, fields={"status": "STOPPED"})


@handler("virt.instance.restart")
async def restart(context: Context, job: Job, id: str, options: Row) -> bool:
    world = world_of(context)
    check_initialized(world)
    instance = virt_instance.find(world, id)
    status = virt_instance.status_of(world, instance)
    if status not in ("RUNNING", "STOPPED"):
        text = f"{id}: instance may not be restarted because current status is: {status}"
        raise ValidationError(f"virt.instance.restart.{id}", text)
    if not instance.privileged:
        await world.operations.set_id_map(id)
    if status == "RUNNING":
        await stop_container(context, id, **options)
    await world.operations.start(id)
    context.emit("virt.instance.query", "changed", id=id, fields={"status": "RUNNING"})
    return True


@handler("virt.instance.delete")
async def delete(context: Context, job: Job, id: str) -> bool:
    world = world_of(context)
    check_initialized(world)
    instance = virt_instance.find(world, id)
    if virt_instance.status_of(world, instance) == "RUNNING":
        await stop_container(context, id, force=True)
    await world.operations.delete(id)
    context.emit("virt.instance.query", "removed", id=id)
    return True


# devices


@handler("virt.instance.device_add")
async def device_add(context: Context, id: str, device: Row) -> bool:
    instance = virt_instance.find(context.world, id)
    check = Check(context.world, "virt_device_add")
    check.name(device)
    check.device(device, instance)
    return await put(context, id, device, check)


@handler("virt.instance.device_update")
async def device_update(context: Context, id: str, device: Row) -> bool:
    instance = virt_instance.find(context.world, id)
    devices = virt_device.devices_of(context, instance)
    old = next((each for each in devices if each["name"] == device["name"]), None)
    if old is None:
        raise CallError("Device does not exist.", errnos.ENOENT)
    check = Check(context.world, "virt_device_update")
    check.device(device, instance, old)
    return await put(context, id, device, check)


async def put(context: Context, id: str, device: Row, check: Check) -> bool:
    if check.wrong:
        raise ValidationErrors(check.wrong)
    operations: Operations = world_of(context).operations
    record = await operations.get(id)
    name = device["name"] or free_name(record["devices"], device["dev_type"])
    record["devices"][name] = to_incus(device)
    await operations.put(id, record)
    return True


@handler("virt.instance.device_delete")
async def device_delete(context: Context, id: str, name: str) -> bool:
    virt_instance.find(context.world, id)
    operations = world_of(context).operations
    record = await operations.get(id)
    if name not in record["devices"]:
        raise CallError("Device not found.", errnos.ENOENT)
    del record["devices"][name]
    await operations.put(id, record)
    return True


# the service


@handler("virt.global.setup")
async def set_up(context: Context, job: Job) -> None:
    await world_of(context).run_setup()


@handler("virt.global.update")
async def update_service(context: Context, job: Job, data: Row) -> Row:
    raise CallError("this engine has one pool, which stays")
