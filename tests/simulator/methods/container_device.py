# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""container.device.* of TrueNAS 26: what a container is given of the NAS from its next start on."""

from __future__ import annotations

import errno as errnos
import typing as t

from tests.simulator import libvirt, query
from tests.simulator.domain import DomainDevice, new_mac
from tests.simulator.errors import CallError, InstanceNotFound, Triple, ValidationErrors
from tests.simulator.methods.container import find
from tests.simulator.models import container_device as models
from tests.simulator.models.base import Nothing, accept
from tests.simulator.models.query import GetNumbered, query_model
from tests.simulator.registry import method
from tests.simulator.releases import LIBVIRT_HAS, RELEASES

if t.TYPE_CHECKING:
    from tests.simulator.domain import Domain
    from tests.simulator.registry import Context
    from tests.simulator.world import World

Row = dict[str, t.Any]

READ = ("CONTAINER_DEVICE_READ", "CONTAINER_DEVICE_WRITE")
WRITE = ("CONTAINER_DEVICE_WRITE",)
EVENT = "container.device.query"


def rows(world: World) -> list[Row]:
    found = [each.row(domain.id) for domain in world.domains.values() for each in domain.devices]
    return sorted(found, key=lambda row: int(row["id"]))


def find_device(world: World, id: int) -> tuple[Domain, DomainDevice]:
    """With its container. Raises InstanceNotFound."""
    for domain in world.domains.values():
        for device in domain.devices:
            if device.id == id:
                return domain, device
    raise InstanceNotFound(f"ContainerDevice {id} does not exist")


def query_devices(context: Context, filters: list[t.Any], options: Row) -> t.Any:
    return query.apply(rows(context.world), filters, options)


for name in LIBVIRT_HAS:
    method("container.device.query", releases=[name], roles=READ, model=query_model(RELEASES[name]))(query_devices)


@method("container.device.get_instance", releases=LIBVIRT_HAS, roles=READ, model=GetNumbered)
def get_instance(context: Context, id: int, options: Row) -> Row:
    domain, device = find_device(context.world, id)
    selection = {"select": options["select"], "get": True}
    return t.cast(Row, query.apply([device.row(domain.id)], [], selection))


@method("container.device.create", releases=LIBVIRT_HAS, roles=WRITE, model=models.Create)
async def create(context: Context, data: Row) -> Row:
    domain = find(context.world, data["container"])
    device = DomainDevice(next(context.world.device_ids), await settled(context.world, domain, data["attributes"]))
    domain.devices.append(device)
    made = device.row(domain.id)
    context.emit(EVENT, "added", id=device.id, fields=made)
    return made


@method("container.device.update", releases=LIBVIRT_HAS, roles=WRITE, model=models.Change)
async def update(context: Context, id: int, data: Row) -> Row:
    """Attributes that are not sent stay."""
    domain, device = find_device(context.world, id)
    wanted = {**device.attributes, **data.get("attributes", {})}
    if wanted["dtype"] != device.attributes["dtype"]:
        raise ValidationErrors([("attributes.dtype", "Device type cannot be changed", errnos.EINVAL)])
    [attributes] = accept(models.WholeChange, [wanted])
    device.attributes = await settled(context.world, domain, attributes, device)
    changed = device.row(domain.id)
    context.emit(EVENT, "changed", id=id, fields=changed)
    return changed


@method("container.device.delete", releases=LIBVIRT_HAS, roles=WRITE, model=models.Delete)
def delete(context: Context, id: int, options: Row) -> bool:
    """Only of a container that is stopped, also with `force`."""
    domain, device = find_device(context.world, id)
    if domain.status != "STOPPED":
        raise CallError("Please stop/resume associated CONTAINER before deleting CONTAINER device.")
    domain.devices.remove(device)
    context.emit(EVENT, "removed", id=id)
    return True


@method("container.device.nic_attach_choices", releases=LIBVIRT_HAS, roles=READ, model=Nothing)
def nic_attach_choices(context: Context) -> dict[str, list[str]]:
    return {"BRIDGE": libvirt.bridges(context.world), "MACVLAN": libvirt.others(context.world)}


@method("container.device.usb_choices", releases=LIBVIRT_HAS, roles=READ, model=Nothing)
def usb_choices(context: Context) -> Row:
    return {}


@method("container.device.gpu_choices", releases=LIBVIRT_HAS, roles=READ, model=Nothing)
def gpu_choices(context: Context) -> Row:
    return dict(context.world.gpus)


# what is wrong with one


async def settled(world: World, domain: Domain, attributes: Row, itself: DomainDevice | None = None) -> Row:
    """What is kept of a device: a NIC without an address is given one. Raises ValidationErrors."""
    others = [device.attributes for device in domain.devices if device is not itself]
    wrong: list[Triple] = []

    def add(attribute: str, text: str) -> None:
        wrong.append((f"attributes.{attribute}", text, errnos.EINVAL))

    if attributes["dtype"] == "NIC":
        check_nic(world, domain, attributes, others, add)
    elif attributes["dtype"] == "FILESYSTEM":
        await check_filesystem(world, domain, attributes, others, add)
    if wrong:
        raise ValidationErrors(wrong)
    if attributes["dtype"] == "NIC" and attributes["mac"] is None:
        return {**attributes, "mac": new_mac()}
    if attributes["dtype"] == "NIC" and world.release.colon_macs:
        return {**attributes, "mac": attributes["mac"].lower()}
    return dict(attributes)


Add = t.Callable[[str, str], None]


def check_nic(world: World, domain: Domain, nic: Row, others: list[Row], add: Add) -> None:
    attach, mac = nic["nic_attach"], nic["mac"]
    bridges = libvirt.bridges(world)
    if attach is not None and attach not in (*bridges, *libvirt.others(world)):
        add("nic_attach", "Not a valid choice.")
    if mac is not None:
        if any(other["dtype"] == "NIC" and other["mac"].lower() == mac.lower() for other in others):
            add("mac", f"{domain.name} already has a NIC with MAC address {mac!r} configured")
        if mac.lower().startswith("ff"):
            add("mac", "MAC address must not start with `ff`")
        if mac.count(":") != 5:
            add("mac", "MAC address must be a colon-separated hexadecimal value (e.g. `00:a0:99:7e:bb:8a`)")
    if nic["trust_guest_rx_filters"]:
        if attach in bridges:
            add("trust_guest_rx_filters", 'This can only be set when "nic_attach" is not a bridge device')
        if nic["type"] != "VIRTIO":
            add("trust_guest_rx_filters", 'This can only be set when "type" of NIC device is "VIRTIO"')


async def check_filesystem(world: World, domain: Domain, device: Row, others: list[Row], add: Add) -> None:
    source, target = device["source"], device["target"]
    if not source.startswith("/"):
        add("source", "Source must be an absolute path")
    elif source.split("/")[1:2] != ["mnt"] or source.split("/")[2:3] != [pool_of(world, source)]:
        add("path", "The path must reside within a pool mount point")
    elif await world.files.look(await world.files.resolve(source)) is None:
        add("source", f"Source {source} does not exist")
    if not target.startswith("/"):
        add("target", "Target must be an absolute path")
    elif target == "/":
        add("target", "Target can't be root")
    elif any(other["dtype"] == "FILESYSTEM" and other["target"] == target for other in others):
        add("target", f"{domain.name} has {target!r} target already configured")


def pool_of(world: World, source: str) -> str | None:
    return next((pool for pool in world.pools if source == f"/mnt/{pool}" or source.startswith(f"/mnt/{pool}/")), None)
