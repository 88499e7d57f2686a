# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices that a container can have, and the values that are rejected before anything else is checked."""

from __future__ import annotations

import typing as t

import pydantic

from tests.simulator.models.base import Model, NonEmpty

Port = t.Annotated[int, pydantic.Field(ge=1, le=65535)]
Id = t.Annotated[int, pydantic.Field(ge=0, le=90_000_000)]
Protocol = t.Literal["UDP", "TCP"]
Priority = t.Annotated[int, pydantic.Field(ge=0)]


class Device(Model):
    name: NonEmpty | None = None
    description: NonEmpty | None = None
    readonly: bool = False


class Disk(Device):
    dev_type: t.Literal["DISK"]
    source: NonEmpty | None = None
    destination: str | None = None
    boot_priority: Priority | None = None
    io_bus: t.Literal["NVME", "VIRTIO-BLK", "VIRTIO-SCSI", None] = None
    storage_pool: NonEmpty | None = None

    @pydantic.field_validator("source")
    @classmethod
    def is_a_pool_path(cls, source: str | None) -> str | None:
        if source is None or "/" not in source:
            return source
        if not source.startswith(("/dev/zvol/", "/mnt/")):
            raise ValueError("Only pool paths are allowed")
        if source.startswith("/mnt/.ix-apps"):
            raise ValueError("Invalid source")
        return source


class Nic(Device):
    dev_type: t.Literal["NIC"]
    network: NonEmpty | None = None
    nic_type: t.Literal["BRIDGED", "MACVLAN"] | None = None
    parent: NonEmpty | None = None


class NicWithMac(Nic):
    mac: str | None = None


class Usb(Device):
    dev_type: t.Literal["USB"]
    bus: int | None = None
    dev: int | None = None
    product_id: str | None = None
    vendor_id: str | None = None


class Proxy(Device):
    dev_type: t.Literal["PROXY"]
    source_proto: Protocol
    source_port: Port
    dest_proto: Protocol
    dest_port: Port


class Tpm(Device):
    dev_type: t.Literal["TPM"]
    path: str | None = None
    pathrm: str | None = None


class Gpu(Device):
    dev_type: t.Literal["GPU"]
    gpu_type: t.Literal["PHYSICAL", "MDEV", "MIG", "SRIOV"]
    id: str | None = None
    gid: Id | None = None
    uid: Id | None = None
    mode: str | None = None
    mdev: NonEmpty | None = None
    mig_uuid: NonEmpty | None = None
    pci: NonEmpty | None = pydantic.Field(default=None, validate_default=True)
    productid: NonEmpty | None = None
    vendorid: NonEmpty | None = None

    @pydantic.field_validator("pci")
    @classmethod
    def is_there_for_physical(cls, pci: str | None, info: pydantic.ValidationInfo) -> str | None:
        if info.data.get("gpu_type") == "PHYSICAL" and pci is None:
            raise ValueError("PCI is required for PHYSICAL GPUs")
        return pci


class Pci(Device):
    dev_type: t.Literal["PCI"]
    address: NonEmpty


class Cdrom(Device):
    dev_type: t.Literal["CDROM"]
    source: NonEmpty
    boot_priority: Priority | None = None


# the order is the one of pydantic's text about an unknown dev_type
AnyDevice = t.Annotated[Disk | Gpu | Proxy | Tpm | Usb | Nic | Pci, pydantic.Field(discriminator="dev_type")]
AnyDeviceWithCdrom = t.Annotated[
    Disk | Gpu | Proxy | Tpm | Usb | NicWithMac | Pci | Cdrom, pydantic.Field(discriminator="dev_type")
]


class DeviceArguments(Model):
    """device_add and device_update of 25.04."""

    id: str
    device: AnyDevice


class DeviceArgumentsWithCdrom(Model):
    """device_add and device_update since 25.10."""

    id: str
    device: AnyDeviceWithCdrom


class DeviceName(Model):
    id: str
    name: str


class BootableDisk(Model):
    id: str
    disk: NonEmpty


class NicType(Model):
    nic_type: t.Literal["BRIDGED", "MACVLAN"]


class GpuType(Model):
    gpu_type: t.Literal["PHYSICAL", "MDEV", "MIG", "SRIOV"]
