# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the devices of a pixel with its specification, and change them."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import CurrentState, PixelSpec
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Device


class DeviceChange(t.NamedTuple):
    """What is to be done to the devices of a pixel."""

    remove: tuple[Device, ...]
    update: tuple[tuple[Device, Device], ...]
    """Each with the device that replaces it."""
    add: tuple[Device, ...]


def compare(found: CurrentState | None, spec: PixelSpec) -> DeviceChange:
    """Return the differences. Devices that the specification does not have are removed only with `purge_devices`."""
    there = {device.key: device for device in found.devices} if found else {}
    wanted = {device.key: device for device in spec.devices or ()}
    return DeviceChange(
        remove=tuple(each for key, each in there.items() if key not in wanted) if spec.purge_devices else (),
        update=tuple((there[key], each) for key, each in wanted.items() if key in there and there[key] != each),
        add=tuple(each for key, each in wanted.items() if key not in there),
    )


def reject(pixels: Pixels, spec: PixelSpec, found: CurrentState | None) -> None:
    """Raise `Unsupported` or `Invalid` for devices that the NAS cannot add, before anything is changed."""
    if spec.devices is None:
        if spec.purge_devices:
            problem = "it requires devices. Set devices to the list of those to keep, or to [] to keep none"
            raise Invalid.in_field("purge_devices", "purge_devices is invalid", problem)
        return
    change = compare(found, spec)
    with trying(f"preparing {spec.name.bare} on {pixels.nas}"):
        pixels.containers.devices.reject([*change.add, *(new for _old, new in change.update)])


def plan(found: CurrentState | None, spec: PixelSpec, before: dict[str, t.Any] | None, after: dict[str, t.Any]) -> None:
    """Add the devices to what is compared. Raises `Unsupported` for removing one from a running pixel on TrueNAS 26."""
    if spec.devices is None:
        return
    change = compare(found, spec)
    if before is not None and found:
        before["devices"] = shown(found.devices)
    replaced = {new.key for _old, new in change.update}
    kept = [each for each in (found.devices if found else ()) if each.key not in replaced and each not in change.remove]
    after["devices"] = shown([*kept, *(new for _old, new in change.update), *change.add])
    if found and change.remove and needs_stop(found) and spec.state != "stopped":
        bare = spec.name.bare
        raise Unsupported(
            f"the {change.remove[0]} of {bare} cannot be removed while {bare} is {found.container.status}"
        ).with_hints(Hint.state("stopped", bare, "first"))


def shown(devices: t.Iterable[Device]) -> list[dict[str, t.Any]]:
    """Return devices in a fixed order, as the diff shows them."""
    return [each.as_dict() for each in sorted(devices, key=lambda device: [str(part) for part in device.key])]


def needs_stop(found: CurrentState) -> bool:
    """Return whether devices can be removed only after a stop."""
    return not found.has_live_devices and found.container.status != "stopped"


def apply(pixels: Pixels, spec: PixelSpec, found: CurrentState) -> None:
    """Change the devices of an existing pixel. A run that is interrupted is continued by the next one."""
    change = compare(found, spec)
    devices = pixels.containers.devices
    # In this order, so that a port or a directory is free before another device uses it.
    for each in change.remove:
        with trying(f"removing the {each} of {spec.name.bare} on {pixels.nas}"):
            devices.remove(spec.name, each)
    for old, new in change.update:
        with trying(f"changing the {new} of {spec.name.bare} on {pixels.nas}"):
            devices.update(spec.name, old, new)
    for each in change.add:
        with trying(f"adding the {each} to {spec.name.bare} on {pixels.nas}"):
            devices.add(spec.name, each)
    if found.container.running and not devices.is_live and spec.state not in ("stopped", "restarted"):
        pixels.warn(f"{spec.name.bare} on {pixels.nas} gets its new devices when it starts the next time. Restart it")
