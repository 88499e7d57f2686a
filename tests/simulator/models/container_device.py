# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of methods for devices of a container of TrueNAS 26 (api/v26_0_0/container_device.py)."""

from __future__ import annotations

import typing as t

import pydantic

from tests.simulator.models.base import Model, NonEmpty, Update

Path = t.Annotated[str, pydantic.Field(min_length=1, pattern=r"^[^{}]*$")]
Number = t.Annotated[str, pydantic.Field(min_length=1, pattern="^0x.*")]
MAC = r"^([0-9A-Fa-f]{2}[:-]?){5}([0-9A-Fa-f]{2})$"


class Filesystem(Model):
    dtype: t.Literal["FILESYSTEM"]
    target: Path
    source: Path


class Gpu(Model):
    dtype: t.Literal["GPU"]
    gpu_type: t.Literal["AMD", "INTEL", "NVIDIA"]
    pci_address: NonEmpty


class Nic(Model):
    dtype: t.Literal["NIC"]
    trust_guest_rx_filters: bool = False
    type: t.Literal["E1000", "VIRTIO"] = "E1000"
    nic_attach: str | None = None
    mac: t.Annotated[str, pydantic.Field(pattern=MAC)] | None = None


class UsbNumbers(Model):
    vendor_id: Number
    product_id: Number


class Usb(Model):
    dtype: t.Literal["USB"]
    usb: UsbNumbers | None = None
    device: NonEmpty | None = None


Attributes = t.Annotated[Filesystem | Gpu | Nic | Usb, pydantic.Field(discriminator="dtype")]


class NewDevice(Model):
    attributes: Attributes
    container: int


class DeviceChange(Update):
    """Omitted fields are not passed on, so these defaults are never used."""

    attributes: dict[str, t.Any] = {}
    container: int = 0


class Create(Model):
    container_device_create: NewDevice


class Change(Model):
    id: int
    container_device_update: DeviceChange


class WholeChange(Model):
    """What a change has made of a device; `attributes` is what errors call it."""

    attributes: Attributes


class DeleteOptions(Model):
    force: bool = False
    raw_file: bool = False
    zvol: bool = False


class Delete(Model):
    id: int
    options: DeleteOptions = DeleteOptions()
