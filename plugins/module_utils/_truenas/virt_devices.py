# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices of Incus containers: `virt.instance.device_*` of TrueNAS 25.04 and 25.10."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import device_checks
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import (
    DISK,
    GPU,
    NIC,
    PROXY,
    TYPES,
    ContainerDevices,
    Device,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import RoleErrors

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.values import Warn
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

Row = t.Mapping[str, t.Any]
Settle = t.Callable[[str, t.Callable[[], None]], None]

FIRST_NIC = "eth0"
MAX_NICS = 100
SEGMENT_NIC_TYPE = "macvlan"
"""A bridged NIC would be taken off its bridge by each commit of network changes (plugins/interface/bridge.py)."""

# The role to change containers does not include it (role tables of 25.04 and 25.10).
REMOVE = ("VIRT_INSTANCE_DELETE",)


class VirtDevices(ContainerDevices):
    """Devices of Incus."""

    is_live = True

    def __init__(self, wire: Wire, settle: Settle, warn: Warn) -> None:
        """`settle` calls a function until no other operation on the container makes it fail."""
        self._wire = wire
        self._settle = settle
        self._warn = warn

    def list(self, name: str) -> tuple[Device, ...]:
        rows = self._wire.read("virt.instance.device_list", name)
        first = first_nic(rows)
        found = (from_row(row) for row in rows if is_own(row) and row is not first)
        return device_checks.valid(found, name, self._warn)

    def reject(self, devices: t.Iterable[Device]) -> None:
        gpus: t.Iterable[str] | None = None
        bridges: t.Iterable[str] | None = None
        for device in devices:
            device_checks.reject_missing_source(self._wire, device, only_datasets=True)
            if device.type == GPU:
                if gpus is None:
                    gpus = self._wire.read("virt.device.gpu_choices", "PHYSICAL")
                device_checks.reject_missing_gpu(self._wire, device, gpus)
            if device.type == NIC:
                if bridges is None:
                    bridges = self._wire.read("virt.device.nic_choices", "BRIDGED")
                device_checks.reject_missing_segment(self._wire, device, bridges)

    def add(self, name: str, device: Device) -> None:
        # Incus replaces a device with the same name. Without a name, the middleware chooses a free one.
        row = to_row(device)
        if device.type == NIC:
            taken = {each.get("name") for each in self._wire.read("virt.instance.device_list", name)}
            row["name"] = next(nic_names(taken))
        self._settle(name, lambda: self._call("virt.instance.device_add", name, row))

    def update(self, name: str, old: Device, new: Device) -> None:
        row = {**to_row(new), "name": old.handle}
        self._settle(name, lambda: self._call("virt.instance.device_update", name, row))

    def remove(self, name: str, device: Device) -> None:
        with RoleErrors(REMOVE):
            self._settle(name, lambda: self._call("virt.instance.device_delete", name, device.handle))

    def _call(self, method: str, *params: t.Any) -> None:
        self._wire.call(method, *params)


def nic_names(taken: t.Container[str | None]) -> t.Iterator[str]:
    """Yield the free names of further NICs. The middleware would use `eth0`, which replaces that of the profile."""
    return (name for number in range(1, MAX_NICS) if (name := f"eth{number}") not in taken)


def new_rows(devices: t.Iterable[Device]) -> list[dict[str, t.Any]]:
    """Return what `virt.instance.create` accepts for the devices of a new container."""
    names = nic_names(())
    return [{**to_row(each), "name": next(names)} if each.type == NIC else to_row(each) for each in devices]


def first_nic(rows: t.Sequence[Row]) -> Row | None:
    """Return the NIC that is not a device here: `eth0`, which the profile has too, else the first one."""
    nics = [row for row in rows if row["dev_type"] == "NIC"]
    return next((row for row in nics if row["name"] == FIRST_NIC), nics[0] if nics else None)


def is_own(row: Row) -> bool:
    """Return whether a row is a device of a known type that is not from the profile, the root disk or `eth0`."""
    if row.get("readonly") or row.get("name") in ("root", FIRST_NIC):
        return False
    return row["dev_type"].lower() in TYPES and row.get("destination") != "/"


def from_row(row: Row) -> Device | None:
    """Convert a row of `virt.instance.device_list`; None for one with invalid values."""
    handle = row.get("name")
    if not isinstance(handle, str):
        return None
    kind = row["dev_type"].lower()
    if kind == DISK:
        source, path = row.get("source"), row.get("destination")
        valid = device_checks.is_path(source) and device_checks.is_path(path)
        return Device(DISK, source=source, path=path, handle=handle) if valid else None
    if kind == PROXY:
        return proxy(row, handle)
    if kind == NIC:
        # On the internal bridge of Incus, a NIC has a network instead of a parent and a type.
        parent, nic_type = row.get("parent") or row.get("network"), row.get("nic_type") or "bridged"
        return device_checks.nic(parent, str(nic_type).lower(), SEGMENT_NIC_TYPE, handle)
    if kind == GPU:
        pci = row.get("pci")
        detail = None if row.get("gpu_type") == "PHYSICAL" else str(row.get("gpu_type")).lower()
        valid = device_checks.is_word(pci) and (detail is None or device_checks.is_word(detail))
        return Device(GPU, pci=pci, detail=detail, handle=handle) if valid else None
    bus, number = row.get("bus"), row.get("dev")
    port = f"bus {bus}, device {number}" if isinstance(bus, int) or isinstance(number, int) else None
    return device_checks.usb(row.get("vendor_id"), row.get("product_id"), port, handle)


def proxy(row: Row, handle: str) -> Device | None:
    """Convert a row with the type PROXY."""
    ports = row.get("source_port"), row.get("dest_port")
    protocols = [str(row.get(name)).lower() for name in ("source_proto", "dest_proto")]
    if not all(isinstance(port, int) for port in ports) or not {*protocols} <= {"tcp", "udp"}:
        return None
    detail = None if protocols[0] == protocols[1] else f"connects over {protocols[1]}"
    return Device(
        PROXY, protocol=protocols[0], listen_port=ports[0], connect_port=ports[1], detail=detail, handle=handle
    )


def to_row(device: Device) -> dict[str, t.Any]:
    """Return what `virt.instance.create` and `virt.instance.device_add` accept for a new device."""
    if device.type == DISK:
        return {"dev_type": "DISK", "source": device.source, "destination": device.path}
    if device.type == PROXY:
        protocol = str(device.protocol).upper()
        return {
            "dev_type": "PROXY",
            "source_proto": protocol,
            "source_port": device.listen_port,
            "dest_proto": protocol,
            "dest_port": device.connect_port,
        }
    if device.type == NIC:
        return {"dev_type": "NIC", "nic_type": SEGMENT_NIC_TYPE.upper(), "parent": device.segment}
    if device.type == GPU:
        return {"dev_type": "GPU", "gpu_type": "PHYSICAL", "pci": device.pci}
    return {"dev_type": "USB", "vendor_id": device.vendor, "product_id": device.product}
