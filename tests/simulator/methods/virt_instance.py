# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""virt.instance.*: containers as rows, and their life from create to delete (middleware plugins/virt/instance.py)."""

from __future__ import annotations

import errno as errnos
import typing as t

from tests.simulator import images, incus, incus_record, query
from tests.simulator.device_checks import Check
from tests.simulator.errors import CallError, GenericError, InstanceNotFound, Triple, ValidationError, ValidationErrors
from tests.simulator.incus_rules import cpu_is_valid
from tests.simulator.instance import Instance
from tests.simulator.methods.virt_global import check_initialized, pool_choices
from tests.simulator.models import virt_instance as models
from tests.simulator.models.query import GetInstance, query_model
from tests.simulator.registry import job, method
from tests.simulator.releases import FANGTOOTH, GOLDEYE, INCUS_HAS, RELEASES
from tests.simulator.virt_devices import free_name, to_incus
from tests.simulator.world import INITIALIZED

if t.TYPE_CHECKING:
    from tests.simulator.job import Job
    from tests.simulator.models.base import Model
    from tests.simulator.registry import Context, Handler
    from tests.simulator.world import World

Row = dict[str, t.Any]

STARS = "********"
SECRETS = ("raw", "vnc_password")
READ = ("VIRT_INSTANCE_READ", "VIRT_INSTANCE_WRITE")
WRITE = ("VIRT_INSTANCE_WRITE",)
SHELLS = ("/bin/bash", "/bin/zsh", "/bin/csh", "/bin/sh")
LOG_LINES = 10

CREATE: dict[str, type[Model]] = {FANGTOOTH.name: models.OldCreate, GOLDEYE.name: models.Create}
CHANGE: dict[str, type[Model]] = {FANGTOOTH.name: models.OldChange, GOLDEYE.name: models.Change}


def job_per_release(name: str, arguments: dict[str, type[Model]], **details: t.Any) -> t.Callable[[Handler], Handler]:
    """A job whose arguments differ from release to release."""

    def register(handler: Handler) -> Handler:
        for release, model in arguments.items():
            job(name, releases=[release], model=model, **details)(handler)
        return handler

    return register


def lock_by_id(id: str, *_rest: t.Any) -> str:
    return f"instance_action_{id}"


def lock_by_name(data: Row, *_rest: t.Any) -> str:
    return f"instance_action_{data.get('name')}"


# rows


def rows(world: World, filters: t.Sequence[t.Any], options: t.Mapping[str, t.Any]) -> list[Row]:
    """Nothing at all unless virtualization is INITIALIZED."""
    extra = options.get("extra") or {}
    if world.state != INITIALIZED and not extra.get("skip_state"):
        return []
    # Regardless of the requested fields: one unreadable container makes the whole query fail.
    for instance in world.instances.values():
        refuse_unreadable(world, instance)
    only = only_one(filters)
    found = sorted(world.instances) if only is None else [name for name in (only,) if name in world.instances]
    return [row(world, world.instances[name], raw=bool(extra.get("raw"))) for name in found]


def only_one(filters: t.Sequence[t.Any]) -> str | None:
    """The name that a query's first condition demands: no other row gets as far as the second, so none is made."""
    match list(filters[:1]):
        case [["name" | "id", "=", str(name)]]:
            return name
    return None


def row(world: World, instance: Instance, *, raw: bool = False) -> Row:
    """Raises GenericError for what the release cannot read."""
    refuse_unreadable(world, instance)
    shown = instance.row(world.release, instance.raw(world.profile) if raw else None)
    return {**shown, "status": status_of(world, instance)}


def status_of(world: World, instance: Instance) -> str:
    """What Incus says of it at this moment."""
    fault = world.faults.take("shows_status", instance.name)
    return str(fault.details["status"]) if fault else instance.shows or instance.status


STATUSES = frozenset(
    ("RUNNING", "STOPPED", "UNKNOWN", "ERROR", "FROZEN", "STARTING", "STOPPING", "FREEZING", "THAWED", "ABORTING")
)


def refuse_unreadable(world: World, instance: Instance) -> None:
    if instance.has_null_id_map and not world.release.nullable_idmap:
        wrong = "userns_idmap.uid\n  Input should be a valid dictionary or instance of IdmapUserNsEntry"
    elif instance.status not in STATUSES and not world.release.tolerates_unknown_status:
        wrong = "status\n  Input should be 'RUNNING', 'STOPPED', 'UNKNOWN', 'ERROR', 'FROZEN' or another known one"
    else:
        return
    raise GenericError(f"1 validation error for VirtInstanceQueryResult\nresult.{wrong}", "ValidationError")


def masked(context: Context, found: t.Any) -> t.Any:
    """Mask secrets, also null ones, for logins that may not write."""
    if context.may(*WRITE) or isinstance(found, int):
        return found
    if isinstance(found, list):
        return [masked(context, each) for each in found]
    return {key: STARS if key in SECRETS else value for key, value in found.items()}


def find(world: World, id: str) -> Instance:
    """Raises InstanceNotFound, also for a container that is there while virtualization is not initialized."""
    if id not in world.instances or world.state != INITIALIZED:
        raise InstanceNotFound(f"VirtInstance {id} does not exist")
    return world.instances[id]


def query_instances(context: Context, filters: list[t.Any], options: Row) -> t.Any:
    return masked(context, query.apply(rows(context.world, filters, options), filters, options))


for each in (RELEASES[name] for name in INCUS_HAS):
    method("virt.instance.query", releases=[each.name], roles=READ, model=query_model(each))(query_instances)


@method("virt.instance.get_instance", releases=INCUS_HAS, roles=READ, model=GetInstance)
def get_instance(context: Context, id: str, options: Row) -> Row:
    shown = row(context.world, find(context.world, id), raw=bool(options["extra"].get("raw")))
    return t.cast(Row, masked(context, query.apply([shown], [], {"select": options["select"], "get": True})))


@method("virt.instance.image_choices", releases=INCUS_HAS, roles=READ, model=models.ImageChoices)
def image_choices(context: Context, data: Row) -> Row:
    return images.choices()


# from create to delete


@job_per_release("virt.instance.create", CREATE, roles=WRITE, lock=lock_by_name)
async def create(context: Context, job: Job, data: Row) -> Row:
    world = context.world
    check_initialized(world)
    instance = new_instance(context, data)
    await incus.create(world, instance, data["image"], job.set_progress)
    if data["autostart"]:
        # a start that fails leaves the container behind, and there is no log to write the reason to
        await start_with_log(context, instance, log=None)
    made = row(world, instance)
    context.emit("virt.instance.query", "added", id=instance.name, fields=made)
    return made


def new_instance(context: Context, data: Row) -> Instance:
    """Everything the middleware checks before Incus is asked. Raises ValidationErrors."""
    world = context.world
    pool = str(data["storage_pool"] or world.default_pool)
    wrong = wrong_values(world, "virt_instance_create", data)
    if data["storage_pool"] is not None and data["storage_pool"] not in pool_choices(context):
        wrong.insert(0, ("virt_instance_create.storage_pool", "Not a valid ZFS pool", errnos.EINVAL))
    if data["name"] in world.instances:
        wrong.append(("virt_instance_create.name", f"Name {data['name']!r} already exists", errnos.EINVAL))
    instance = Instance(data["name"], {}, pool, cpu=data["cpu"], autostart=bool(data["autostart"]))
    instance.environment = dict(data["environment"] or {})
    instance.privileged = data.get("privileged_mode", False)
    instance.set_memory(data["memory"])
    wrong += add_devices(world, instance, data["devices"] or [])
    if wrong:
        raise ValidationErrors(wrong)
    return instance


def wrong_values(world: World, schema: str, data: Row) -> list[Triple]:
    """What create and update check alike."""
    wrong: list[Triple] = []
    if data.get("memory") and data["memory"] > world.memory_bytes:
        wrong.append((f"{schema}.memory", "Cannot reserve more than physical memory", errnos.EINVAL))
    if data.get("cpu") and data["cpu"].isdigit() and int(data["cpu"]) > world.cores:
        wrong.append((f"{schema}.cpu", "Cannot reserve more than system cores", errnos.EINVAL))
    return wrong


def add_devices(world: World, instance: Instance, devices: list[Row]) -> list[Triple]:
    """Devices are turned into Incus' before anything is reported, so a Python error there hides what was collected."""
    check = Check(world, "virt_instance_create")
    for device in devices:
        if device["dev_type"] == "DISK" and device["source"] is None and world.release.null_disk_source_crashes:
            raise GenericError("argument of type 'NoneType' is not iterable", "TypeError")
        check.name(device)
        check.device(device, None)
        name = device["name"] or free_name(instance.devices, device["dev_type"])
        if device["dev_type"] != "CDROM":
            instance.devices[name] = to_incus(device)
    if not check.wrong:
        check.each_other(devices)
    return check.wrong


@job_per_release("virt.instance.update", CHANGE, roles=WRITE, lock=lock_by_id)
async def update(context: Context, job: Job, id: str, data: Row) -> Row:
    """Only what was sent is changed; the environment is replaced as a whole."""
    world = context.world
    check_initialized(world)
    instance = find(world, id)
    wrong = wrong_values(world, "virt_instance_update", data) + not_for_containers(data)
    if wrong:
        raise ValidationErrors(wrong)
    if not cpu_is_valid(data.get("cpu")):
        raise CallError("Invalid config: Invalid CPU limit syntax")
    incus.refuse_busy(instance)
    incus_record.write(world, instance)
    if "environment" in data:
        instance.environment = dict(data["environment"] or {})
    if "cpu" in data:
        instance.cpu = data["cpu"]
    if "memory" in data:
        instance.set_memory(data["memory"])
    if data.get("autostart") is not None:
        instance.autostart = data["autostart"]
    instance.privileged = data.get("privileged_mode", instance.privileged)
    incus_record.write(world, instance)
    await world.engine.limit(instance.name, cpu=instance.cpu, memory=instance.memory, environment=instance.environment)
    changed = row(world, instance)
    context.emit("virt.instance.query", "changed", id=id, fields=changed)
    return changed


def not_for_containers(data: Row) -> list[Triple]:
    texts = {
        "image_os": "This attribute is only valid for VMs",
        "secure_boot": "Secure boot is only supported for VMs",
        **dict.fromkeys(
            ("root_disk_size", "root_disk_io_bus", "enable_vnc"), "This attribute is not supported for containers"
        ),
    }
    wrong: list[Triple] = [
        (f"virt_instance_update.{key}", text, errnos.EINVAL) for key, text in texts.items() if data.get(key)
    ]
    without_vnc = [key for key in ("vnc_port", "vnc_password") if data.get(key) and data.get("enable_vnc") is None]
    for key in without_vnc:
        text = f"Should be set when {key!r} is specified"
        wrong += [("virt_instance_update.enable_vnc", text, errnos.EINVAL)]
    return wrong


@job("virt.instance.start", releases=INCUS_HAS, roles=WRITE, model=models.Id, lock=lock_by_id, logs=True)
async def start(context: Context, job: Job, id: str) -> bool:
    check_initialized(context.world)
    instance = find(context.world, id)
    status = status_of(context.world, instance)
    if status not in ("RUNNING", "STOPPED"):
        text = f"{id}: instance may not be started because current status is: {status}"
        raise ValidationError("virt.instance.start.id", text)
    if status == "STOPPED" and not instance.privileged:
        # The map of ids is written to its record first.
        incus.refuse_busy(instance)
        incus_record.write(context.world, instance)
    await start_with_log(context, instance, job.log)
    return True


async def start_with_log(context: Context, instance: Instance, log: t.Callable[[str], None] | None) -> None:
    """Raises CallError; the container's own log goes to the job's, which create has not got."""
    has_log = instance.started_once
    try:
        await incus.start(context.world, instance, context.emit)
    except CallError as error:
        text = f"Failed to start instance: {error.text.removesuffix('.')}."
        if not has_log:
            raise CallError(text) from error
        if log is None:
            raise GenericError("'NoneType' object has no attribute 'write'", "AttributeError") from error
        log("\n".join(f"lxc {instance.name} 20250615150640 ERROR lxccontainer - {n}" for n in range(LOG_LINES)))
        raise CallError(f"{text} Please check job logs.") from error


@job("virt.instance.stop", releases=INCUS_HAS, roles=WRITE, model=models.Stop, lock=lock_by_id)
async def stop(context: Context, job: Job, id: str, options: Row) -> bool:
    """Query Incus directly: a missing container is an error of Incus, not of the middleware."""
    world = context.world
    if world.default_pool is None:
        raise CallError("Virtualization service not started.")
    if id not in world.instances:
        raise CallError(f'Failed to fetch instance "{id}" in project "default": Instance not found')
    await incus.stop(world, world.instances[id], context.emit, **options, method="virt.instance.stop")
    return True


@job("virt.instance.restart", releases=INCUS_HAS, roles=WRITE, model=models.Stop, lock=lock_by_id)
async def restart(context: Context, job: Job, id: str, options: Row) -> bool:
    """A stopped container is just started."""
    world = context.world
    check_initialized(world)
    instance = find(world, id)
    status = status_of(world, instance)
    if status not in ("RUNNING", "STOPPED"):
        text = f"{id}: instance may not be restarted because current status is: {status}"
        raise ValidationError(f"virt.instance.restart.{id}", text)
    # The map of ids is written to its record first.
    incus.refuse_busy(instance)
    if status == "RUNNING":
        await incus.stop(world, instance, context.emit, **options, method="virt.instance.restart")
    await incus.start(world, instance, context.emit)
    return True


@job("virt.instance.delete", releases=INCUS_HAS, roles=WRITE, model=models.Id, lock=lock_by_id)
async def delete(context: Context, job: Job, id: str) -> bool:
    """A running container is stopped the hard way first; its snapshots go with it."""
    world = context.world
    check_initialized(world)
    instance = find(world, id)
    if status_of(world, instance) == "RUNNING":
        await incus.stop(world, instance, context.emit, force=True, method="virt.instance.delete")
    elif instance.status == "RUNNING":
        raise CallError("Instance is running")
    await incus.delete(world, instance, "virt.instance.delete")
    context.emit("virt.instance.query", "removed", id=id)
    return True


@method("virt.instance.get_shell", releases=INCUS_HAS, private=True, model=models.Id)
async def get_shell(context: Context, id: str) -> str | None:
    """Private. Looks into the dataset of the default pool, wherever the container lives."""
    world = context.world
    check_initialized(world)
    instance = find(world, id)
    if instance.status != "RUNNING":
        raise CallError("Container must be running.")
    if instance.storage_pool != world.default_pool:
        return None
    rootfs = instance.layout.mount(instance.storage_pool, id).rootfs
    for shell in SHELLS:
        if await world.files.look(await world.files.resolve(f"{rootfs}{shell}")) is not None:
            return shell
    return None
