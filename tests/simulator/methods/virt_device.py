# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""virt.instance.device_* and virt.device.*_choices: what a container is given of the NAS."""

from __future__ import annotations

import errno as errnos
import typing as t

from tests.simulator import incus, incus_record
from tests.simulator.device_checks import Check
from tests.simulator.errors import CallError, ValidationErrors
from tests.simulator.methods.virt_instance import READ, WRITE, find
from tests.simulator.methods.virt_volume import known
from tests.simulator.models import virt_device as models
from tests.simulator.models.base import Nothing
from tests.simulator.models.virt_instance import Id
from tests.simulator.registry import method
from tests.simulator.releases import FANGTOOTH, GOLDEYE, INCUS_HAS
from tests.simulator.virt_devices import free_name, row, to_incus

if t.TYPE_CHECKING:
    from tests.simulator.instance import Device, Instance
    from tests.simulator.registry import Context, Handler
    from tests.simulator.world import World

Row = dict[str, t.Any]

ARGUMENTS = {FANGTOOTH.name: models.DeviceArguments, GOLDEYE.name: models.DeviceArgumentsWithCdrom}


def changes_device(name: str) -> t.Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        for release, model in ARGUMENTS.items():
            method(name, releases=[release], roles=WRITE, model=model)(handler)
        return handler

    return register


def devices_of(context: Context, instance: Instance) -> list[Device]:
    """The profile's devices and the root disk first, then the container's own; its own win."""
    profile = context.world.profile
    root = {"type": "disk", "path": "/", "pool": instance.storage_pool}
    merged = {**profile, "root": root, **instance.devices}
    inherited = profile.keys() - instance.devices.keys()
    shown = [row(name, each, context.release, from_profile=name in inherited) for name, each in merged.items()]
    return [each for each in shown if each is not None]


@method("virt.instance.device_list", releases=INCUS_HAS, roles=READ, model=Id)
def device_list(context: Context, id: str) -> list[Device]:
    return devices_of(context, find(context.world, id))


@changes_device("virt.instance.device_add")
def device_add(context: Context, id: str, device: Row) -> bool:
    """A name that is taken is silently overwritten."""
    instance = find(context.world, id)
    check = Check(context.world, "virt_device_add")
    check.name(device)
    check.device(device, instance)
    return put(context.world, instance, device, check)


@changes_device("virt.instance.device_update")
def device_update(context: Context, id: str, device: Row) -> bool:
    """A full replacement; a device of the profile gets an override."""
    instance = find(context.world, id)
    old = next((each for each in devices_of(context, instance) if each["name"] == device["name"]), None)
    if old is None:
        raise CallError("Device does not exist.", errnos.ENOENT)
    check = Check(context.world, "virt_device_update")
    check.device(device, instance, old)
    return put(context.world, instance, device, check)


def put(world: World, instance: Instance, device: Row, check: Check) -> bool:
    """Raises ValidationErrors, and CallError with Incus' own text."""
    if check.wrong:
        raise ValidationErrors(check.wrong)
    name = device["name"] or free_name(instance.devices, device["dev_type"])
    incus.refuse_busy(instance)
    incus_record.write(world, instance)
    instance.devices[name] = to_incus(device)
    incus_record.write(world, instance)
    return True


@method("virt.instance.device_delete", releases=INCUS_HAS, roles=("VIRT_INSTANCE_DELETE",), model=models.DeviceName)
def device_delete(context: Context, id: str, name: str) -> bool:
    instance = find(context.world, id)
    if name not in instance.devices:
        raise CallError("Device not found.", errnos.ENOENT)
    incus.refuse_busy(instance)
    incus_record.write(context.world, instance)
    del instance.devices[name]
    incus_record.write(context.world, instance)
    return True


@method("virt.instance.set_bootable_disk", releases=[GOLDEYE.name], roles=WRITE, model=models.BootableDisk)
def set_bootable_disk(context: Context, id: str, disk: str) -> bool:
    find(context.world, id)
    raise CallError("Setting disk to boot from is only valid for VM instances.")


@method("virt.device.nic_choices", releases=INCUS_HAS, roles=READ, model=models.NicType)
def nic_choices(context: Context, nic_type: str) -> dict[str, str]:
    """MACVLAN offers every interface, also those without a link."""
    interfaces = context.world.listed_interfaces
    return {each.name: each.name for each in interfaces if nic_type == "MACVLAN" or each.type == "BRIDGE"}


@method("virt.device.disk_choices", releases=INCUS_HAS, roles=READ, model=Nothing)
def disk_choices(context: Context) -> Row:
    """Volumes by their ids; there are no zvols."""
    return {id: id for id in (each.id(context.release) for each in known(context.world))}


@method("virt.device.usb_choices", releases=INCUS_HAS, roles=READ, model=Nothing)
def usb_choices(context: Context) -> Row:
    return {}


@method("virt.device.pci_choices", releases=INCUS_HAS, roles=READ, model=Nothing)
def pci_choices(context: Context) -> Row:
    return {}


@method("virt.device.gpu_choices", releases=INCUS_HAS, roles=READ, model=models.GpuType)
def gpu_choices(context: Context, gpu_type: str) -> Row:
    if gpu_type != "PHYSICAL":
        raise CallError("Only PHYSICAL type is supported for now.")
    return {
        pci: {"bus": "01", "slot": "00", "description": f"{vendor} GPU", "vendor": vendor, "pci": pci}
        for pci, vendor in context.world.gpus.items()
    }
