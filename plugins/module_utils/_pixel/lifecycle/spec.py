# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The specification of a pixel and its current state, which the plan compares."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints.checkpoints import Checkpoint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import Origin, Source
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.memory_size import format_memory
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.lifetime import NEVER
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.spec import ProvisionSpec
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Nic

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.inspection import GuestState
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Device
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName


# Settings of an existing container, which one job of the NAS changes.
SETTINGS = ("cpu", "memory", "environment", "autostart")

METADATA_FIELDS = ("fleet", "owner", "labels", "ttl", "ttl_keep", "protected", "idle_stop")

RUNNING_STATES = ("started", "restarted")


@dataclass(frozen=True)
class BaseVersion:
    """What is recorded with a new version of a base; see the fields of `Metadata`."""

    base: str
    recipe: str
    building: str
    description: str | None = None


@dataclass(frozen=True)
class PixelSpec:
    """The specification of a pixel. None keeps the current value; a new pixel gets the default."""

    name: PixelName
    """Full name."""
    state: str = "started"
    """`present`, `started`, `stopped`, `restarted` or `absent`."""
    image: str | None = None
    cpu: str | None = None
    memory: int | None = None
    """Bytes."""
    environment: t.Mapping[str, str] | None = None
    autostart: bool | None = None
    fleet: str | None = None
    owner: str | None = None
    labels: t.Mapping[str, str] | None = None
    ttl: str | None = None
    """Lifetime in the normal form of `lifetime.parse_ttl`."""
    ttl_keep: str | None = None
    """How long the pixel is kept after its lifetime: a duration, or `never`."""
    protected: bool | None = None
    idle_stop: str | None = None
    """How long the pixel may be idle before it is stopped: a duration, or `never`."""
    pool: str | None = None
    nic: Nic | None = None
    devices: tuple[Device, ...] | None = None
    purge_devices: bool = False
    """Whether devices that `devices` does not have are removed."""
    provision: ProvisionSpec | None = None
    egress: EgressPolicy | None = None
    origin: Origin | None = None
    """The source of a new clone; None for a pixel that is created from an image."""
    setup: tuple[tuple[str, str], ...] = ()
    """Names and scripts of the recipes of a base, the root first, where the NAS cannot clone the base."""
    version: BaseVersion | None = None
    """For a new version of a base, what is recorded of it."""
    source: Source | None = None
    """The source as found on the NAS. `resolve_defaults` sets it."""
    clones: str = "refuse"
    """Policy for clones of a pixel to destroy: `refuse`, `promote` or `leave`."""
    unprotect: bool = False
    """Whether the pixel is destroyed even if it is protected."""
    also_destroyed: frozenset[str] = frozenset()
    """Full names of pixels that the same run destroys. Clones among them do not prevent the destruction."""


@dataclass(frozen=True)
class CurrentState:
    """The current state of a pixel, as far as the plan depends on it."""

    container: Container
    nic: Nic | None = None
    devices: tuple[Device, ...] = ()
    """Read if the specification has devices."""
    has_live_devices: bool = True
    """See `ContainerDevices.is_live`."""
    provisioned: bool | None = None
    """None for a stopped container, whose files cannot be read."""
    egress: GuestState | None = None
    """None for a stopped container; the metadata has its policy."""
    checkpoints: tuple[Checkpoint, ...] = ()
    """Read for a pixel to destroy."""
    labels_of_clones: t.Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Labels by clone, read before checkpoints are promoted to clones."""


def display_value(name: str, value: t.Any) -> t.Any:
    """Return a setting as the diff shows it."""
    if name == "memory":
        return format_memory(value)
    if name == "nic":
        return {"parent": value.parent, "type": value.type} if value else None
    if name in ("ttl", "ttl_keep", "idle_stop"):
        return value or NEVER
    if name == "protected":
        return bool(value)
    return dict(value) if name in ("environment", "labels") else value
