# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices of libvirt containers: `container.device.*` of TrueNAS 26."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import device_checks, lxc_row
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import (
    DISK,
    GPU,
    NIC,
    PROXY,
    ContainerDevices,
    Device,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import RoleErrors

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.values import Warn
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

Row = t.Mapping[str, t.Any]

KINDS = ("FILESYSTEM", "GPU", "USB", "NIC")
READ = ("CONTAINER_DEVICE_READ",)
NO_PROXY = "this release of TrueNAS cannot forward a port of the NAS to a container"


class LxcDevices(ContainerDevices):
    """Devices of libvirt. TrueNAS builds the domain from them at each start."""

    is_live = False

    def __init__(self, wire: Wire, get: t.Callable[[str], Row], warn: Warn) -> None:
        """`get` returns the row of a container."""
        self._wire = wire
        self._get = get
        self._warn = warn

    def list(self, name: str) -> tuple[Device, ...]:
        found = self._get(name)
        first = lxc_row.nic_of(found)
        rows = [row for row in found["devices"] if row["attributes"]["dtype"] in KINDS and row is not first]
        return device_checks.valid(map(from_row, rows), name, self._warn)

    def reject(self, devices: t.Iterable[Device]) -> None:
        offered: t.Mapping[str, str] | None = None
        bridges: t.Iterable[str] | None = None
        for device in devices:
            if device.type == PROXY:
                raise Unsupported(NO_PROXY).with_hints(
                    Hint.advice(f"connect to port {device.connect_port} of the address of the pixel"),
                )
            if any(brace in f"{device.source}{device.path}" for brace in "{}"):
                problem = "TrueNAS does not accept braces in a path"
                raise Invalid.in_field("devices", f"cannot use the disk {device.source!r}", problem)
            device_checks.reject_missing_source(self._wire, device, only_datasets=False)
            if device.type == GPU:
                offered = gpus(self._wire) if offered is None else offered
                device_checks.reject_missing_gpu(self._wire, device, offered)
            if device.type == NIC:
                bridges = self._bridges() if bridges is None else bridges
                device_checks.reject_missing_segment(self._wire, device, bridges)

    def _bridges(self) -> t.Iterable[str]:
        with RoleErrors(READ):
            found: t.Iterable[str] = self._wire.read("container.device.nic_attach_choices")["BRIDGE"]
        return found

    def add(self, name: str, device: Device) -> None:
        attach(self._wire, self._get(name)["id"], device)

    def update(self, name: str, old: Device, new: Device) -> None:  # noqa: ARG002 (of the interface; the ID is enough)
        self._wire.call("container.device.update", old.handle, {"attributes": attributes(self._wire, new)})

    def remove(self, name: str, device: Device) -> None:  # noqa: ARG002 (of the interface; the ID is enough)
        self._wire.call("container.device.delete", device.handle)


def attach(wire: Wire, identity: int, device: Device) -> None:
    """Add a device to the container with this ID."""
    wire.call("container.device.create", {"container": identity, "attributes": attributes(wire, device)})


def attributes(wire: Wire, device: Device) -> dict[str, t.Any]:
    """Return what `container.device.create` accepts for a device."""
    if device.type == DISK:
        return {"dtype": "FILESYSTEM", "source": device.source, "target": device.path}
    if device.type == NIC:
        return {"dtype": "NIC", "type": "VIRTIO", "nic_attach": device.segment}
    if device.type == GPU:
        offered = gpus(wire)
        device_checks.reject_missing_gpu(wire, device, offered)
        return {"dtype": "GPU", "gpu_type": offered[str(device.pci)], "pci_address": device.pci}
    numbers = {"vendor_id": f"0x{device.vendor}", "product_id": f"0x{device.product}"}
    return {"dtype": "USB", "usb": numbers, "device": None}


def gpus(wire: Wire) -> t.Mapping[str, str]:
    """Return the vendors of the GPUs that the NAS offers, by PCI address."""
    with RoleErrors(READ):
        found: t.Mapping[str, str] = wire.read("container.device.gpu_choices")
    return found


def from_row(row: Row) -> Device | None:
    """Convert a device of a row of `container.query`; None for one with invalid values."""
    found, handle = row["attributes"], row["id"]
    if found["dtype"] == "FILESYSTEM":
        source, path = found.get("source"), found.get("target")
        valid = device_checks.is_path(source) and device_checks.is_path(path)
        return Device(DISK, source=source, path=path, handle=handle) if valid else None
    if found["dtype"] == "NIC":
        return device_checks.nic(found.get("nic_attach"), "", "", handle)
    if found["dtype"] == "GPU":
        pci = found.get("pci_address")
        return Device(GPU, pci=pci, handle=handle) if device_checks.is_word(pci) else None
    numbers, port = found.get("usb"), found.get("device")
    numbers = numbers if isinstance(numbers, dict) else {}
    return device_checks.usb(numbers.get("vendor_id"), numbers.get("product_id"), port, handle)
