# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices of the NAS in a container: directories, ports, GPUs, USB devices and further NICs, for both generations.

A device has no name of its own: what it is in the container identifies it (`Device.key`). The NAS identifies it by a
name (TrueNAS 25.04 and 25.10) or an ID (26), its handle. The first NIC, the root disk and devices of other types are
none here.
"""

from __future__ import annotations

import abc
import typing as t
from dataclasses import dataclass, field

DISK, PROXY, GPU, USB, NIC = "disk", "proxy", "gpu", "usb", "nic"
TYPES = (DISK, PROXY, GPU, USB, NIC)

Key = tuple[t.Union[str, int, None], ...]


@dataclass(frozen=True)
class Device:
    """A device of a container; fields of other types are None."""

    type: str
    source: str | None = None
    """Directory on the NAS (disk)."""
    path: str | None = None
    """Directory in the container (disk)."""
    protocol: str | None = None
    """`tcp` or `udp` (proxy)."""
    listen_port: int | None = None
    """Port of the NAS (proxy)."""
    connect_port: int | None = None
    """Port of the container (proxy)."""
    pci: str | None = None
    """Address on the PCI bus, such as `0000:01:00.0` (gpu)."""
    vendor: str | None = None
    """ID of four hexadecimal digits, in lower case (usb)."""
    product: str | None = None
    segment: str | None = None
    """Bridge of the NAS (nic)."""
    detail: str | None = None
    """What else the NAS records of it that the collection cannot set, such as the port of a USB device."""
    handle: str | int | None = field(default=None, compare=False)

    @property
    def key(self) -> Key:
        """What identifies it in its container: a device with the same key replaces it."""
        if self.type == DISK:
            return (self.type, self.path)
        if self.type == PROXY:
            return (self.type, self.protocol, self.listen_port)
        if self.type == GPU:
            return (self.type, self.pci)
        if self.type == NIC:
            return (self.type, self.segment)
        return (self.type, self.vendor, self.product, self.detail)

    def as_dict(self) -> dict[str, t.Any]:
        """Return the fields that are set, as the diff shows them."""
        names = (
            *("type", "source", "path", "protocol", "listen_port", "connect_port"),
            *("pci", "vendor", "product", "segment", "detail"),
        )
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def __str__(self) -> str:
        if self.type == PROXY:
            return f"proxy of {self.protocol} port {self.listen_port}"
        if self.type == NIC:
            return f"NIC on {self.segment}"
        return f"{self.type} {self.path or self.pci or self.detail or f'{self.vendor}:{self.product}'}"


@dataclass(frozen=True)
class Attachment:
    """A NIC of a container."""

    container: str
    """The name of the container on the NAS, safe to show; also of one that is no pixel."""
    parent: str
    type: str
    """`macvlan` or `bridged`."""
    is_running: bool


class ContainerDevices(abc.ABC):
    """The devices of the containers of one NAS. Names are full names with the prefix."""

    is_live: bool
    """Whether a running container gets changes immediately. Otherwise it gets them when it starts, and no device can be
    removed from a container that is not stopped.
    """

    @abc.abstractmethod
    def list(self, name: str) -> tuple[Device, ...]:
        """Return the devices of a container, without those with invalid values, which are ignored with a warning."""

    @abc.abstractmethod
    def reject(self, devices: t.Iterable[Device]) -> None:
        """Raise `Unsupported` for devices that this release does not support, and `Invalid` for missing ones."""

    @abc.abstractmethod
    def add(self, name: str, device: Device) -> None:
        """Add a device to a container."""

    @abc.abstractmethod
    def update(self, name: str, old: Device, new: Device) -> None:
        """Replace a device of a container with one that has the same key."""

    @abc.abstractmethod
    def remove(self, name: str, device: Device) -> None:
        """Remove a device from a container."""
