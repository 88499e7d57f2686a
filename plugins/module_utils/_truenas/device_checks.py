# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check devices that a user requests, and values of devices that a NAS reports."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, NotPermitted
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import files, values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import DISK, GPU, NIC, USB, Device

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.values import Warn
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

MAX_PATH_LENGTH, MAX_WORD_LENGTH = 1024, 100


def reject_missing_source(wire: Wire, device: Device, *, only_datasets: bool) -> None:
    """Raise `Invalid` for a disk whose directory does not exist, as far as the account can read that."""
    if device.type != DISK or device.source is None:
        return
    try:
        found = files.stat(wire, device.source)
    except NotPermitted:
        return
    problem = None
    if found is None:
        problem = f"{wire.nas} has no such directory"
    elif found.type != "directory":
        problem = "it is not a directory"
    elif only_datasets and not found.is_mountpoint:
        problem = "this release of TrueNAS accepts only the mount point of a dataset. Create a dataset for it"
    if problem:
        raise Invalid.in_field("devices", f"cannot use the disk {device.source!r}", problem)


def reject_missing_gpu(wire: Wire, device: Device, offered: t.Iterable[str]) -> None:
    """Raise `Invalid` for a GPU that the NAS does not offer."""
    known = sorted(each for each in offered if each.isprintable())
    if device.type == GPU and device.pci not in known:
        problem = f"{wire.nas} offers {', '.join(known) or 'no GPU'}"
        raise Invalid.in_field("devices", f"cannot use the GPU {device.pci!r}", problem)


def reject_missing_segment(wire: Wire, device: Device, bridges: t.Iterable[str | None]) -> None:
    """Raise `Invalid` for a NIC on a bridge that the NAS does not have."""
    if device.type == NIC and device.segment not in bridges:
        problem = f"{wire.nas} has no such bridge. Create it with pixels_segment"
        raise Invalid.in_field("devices", f"cannot use the segment {device.segment!r}", problem)


def nic(parent: object, kind: str, expected: str, handle: str | int) -> Device | None:
    """Return a further NIC of a container, with values from a NAS; None if they are invalid.

    `expected` is the type of NIC that segments have on this release.
    """
    if not isinstance(parent, str) or not values.is_interface(parent) or not is_word(kind or "nic"):
        return None
    return Device(NIC, segment=parent, detail=None if kind == expected else kind, handle=handle)


def is_path(value: object) -> bool:
    """Return whether a value from a NAS is a path that is safe to show."""
    return isinstance(value, str) and value.startswith("/") and len(value) <= MAX_PATH_LENGTH and value.isprintable()


def is_word(value: object) -> bool:
    """Return whether a value from a NAS is a short text that is safe to show."""
    return isinstance(value, str) and 0 < len(value) <= MAX_WORD_LENGTH and value.isprintable()


def usb(vendor: object, product: object, port: object, handle: str | int) -> Device | None:
    """Return a USB device with values from a NAS, of which each can be None; None if one of them is invalid."""
    if not all(each is None or is_word(each) for each in (vendor, product, port)):
        return None
    return Device(
        USB, vendor=usb_id(vendor), product=usb_id(product), detail=None if port is None else str(port), handle=handle
    )


def usb_id(value: object) -> str | None:
    """Return the ID of a vendor or product in lower case and without the prefix `0x`; None if there is none."""
    return None if value is None else str(value).lower().removeprefix("0x")


def valid(found: t.Iterable[Device | None], name: str, warn: Warn) -> tuple[Device, ...]:
    """Return the devices of a container without the invalid ones (None), with a warning."""
    found = tuple(found)
    if None in found:
        warn(f"ignored a device of {name} with invalid values. Check it in the TrueNAS web interface")
    return tuple(each for each in found if each is not None)
