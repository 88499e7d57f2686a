# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface to containers that both generations of TrueNAS implement, and its types."""

from __future__ import annotations

import abc
import datetime
import functools
import time
import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import (
        Attachment,
        ContainerDevices,
        Device,
    )
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.listed_image import ListedImage
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

MIB = 1024 * 1024

TRANSIENT = frozenset({"unknown", "starting", "stopping", "freezing", "thawed", "aborting"})
"""Statuses of Incus 6.0.4 while an operation runs, and for up to 1.7 s after the job of a stop has succeeded."""

SEGMENT = "segment"

FIRST_POLL_S, MAX_POLL_S = 0.05, 1.0


@dataclass(frozen=True)
class Address:
    """An address of a container."""

    family: str
    """`ipv4` or `ipv6`."""
    address: str
    """In its normal form, of global scope."""
    prefix: int | None = None
    """The length of the network prefix in bits."""
    own: bool = field(default=True, compare=False)
    """Whether it belongs to the container's NIC, and not to another interface of the guest, such as `docker0`."""


@dataclass(frozen=True)
class Nic:
    """The NIC of a container."""

    parent: str
    """The interface of the NAS to which it is attached."""
    type: str = "macvlan"
    """`macvlan` or `bridged`; `SEGMENT` until the type of this release for segments replaces it."""
    name: str = "eth0"


@dataclass(frozen=True)
class Image:
    """What TrueNAS records of a container's image. The requested alias is in the metadata."""

    os: str = ""
    release: str = ""
    variant: str = ""
    description: str = ""


@dataclass(frozen=True)
class Metadata:
    """What the collection records with a container on the NAS, visible to all controllers and to the guest."""

    fleet: str | None = None
    owner: str | None = None
    labels: t.Mapping[str, str] = field(default_factory=dict)
    image: str | None = None
    """The alias of its image."""
    origin: str | None = None
    """The checkpoint it was cloned from, as `base@label`."""
    cloning: str | None = None
    """The same, while the clone is unfinished."""
    run: str | None = None
    """The ID of the run that creates an unfinished clone, which distinguishes two runs that create the same one."""
    pending: str | None = None
    """The setting (`autostart`) that a new container still gets once it is started and provisioned."""
    stopped_by: str | None = None
    """The operation (`checkpoint` or `restore`) that stopped a running container, until it runs again."""
    egress: str | None = None
    """The egress policy, or its digest where it is long; None for none (`_pixel/egress/record.py`)."""
    ttl: str | None = None
    """The lifetime as it was set, such as `4h` (`_pixel/model/lifetime.py`)."""
    expires: str | None = None
    """When it expires, in UTC, such as `2026-12-01T00:00:00Z`."""
    ttl_keep: str | None = None
    """How long it is kept after that, stopped, before it is destroyed."""
    protected: str | None = None
    """Any text protects it from being destroyed and restored."""
    idle_stop: str | None = None
    """How long it may be idle before it is stopped, such as `30m` (`_pixel/lifecycle/idle.py`)."""
    gateway: str | None = None
    """The segments that it is the gateway of, such as `br77 br78` (`_pixel/egress/gateway.py`)."""
    base: str | None = None
    """The name of the base that it is a version of (`_pixel/model/base_versions.py`)."""
    recipe: str | None = None
    """The digest of the recipe that this version was built from."""
    building: str | None = None
    """The builder of the version, until it is complete (`_pixel/bases/lock.py`)."""
    description: str | None = None
    """What the base is for."""


@dataclass(frozen=True)
class Container:
    """A container on the NAS."""

    name: PixelName
    """The full name, with the prefix."""
    status: str
    """In lower case: `running`, `stopped`, `suspended`, `frozen`, `error` and others."""
    addresses: tuple[Address, ...] = ()
    cpu: str | None = None
    """A number of CPUs (`2`) or a set of them (`0-3`); None is no limit."""
    memory: int | None = None
    """In bytes, whole MiB; None is no limit."""
    image: Image = field(default_factory=Image)
    environment: t.Mapping[str, str] = field(default_factory=dict)
    autostart: bool = False
    metadata: Metadata = field(default_factory=Metadata)
    pool: str | None = None
    dataset: str | None = None
    unfinished: tuple[str, ...] = ()
    """What an interrupted operation left undone, in words; `ContainerBackend.finish` does it."""

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.status == "running"

    @property
    def suspended(self) -> bool:
        """Whether its processes were suspended (TrueNAS 26): it neither runs nor is it stopped."""
        return self.status == "suspended"

    @property
    def transient(self) -> bool:
        """Whether the status changes without another operation."""
        return self.status in TRANSIENT

    @property
    def ran(self) -> bool:
        """Whether it runs, or ran until an operation stopped it that was interrupted."""
        return self.running or self.metadata.stopped_by is not None

    @property
    def ipv4(self) -> str | None:
        """The first IPv4 address of its NIC; None until the NAS reports one."""
        return self._first("ipv4")

    @property
    def ipv6(self) -> str | None:
        """The first global IPv6 address of its NIC; None until the NAS reports one."""
        return self._first("ipv6")

    @property
    def address(self) -> str | None:
        """The address to connect to: IPv4, or IPv6 if there is no IPv4 address."""
        return self.ipv4 or self.ipv6

    def _first(self, family: str) -> str | None:
        return next(
            (each.address for each in self.addresses if each.family == family and each.own and each.address), None
        )


@dataclass(frozen=True)
class NewContainer:
    """The settings of a container that is to be created; see `Container`."""

    name: PixelName
    image: str
    cpu: str | None = None
    memory: int | None = None
    environment: t.Mapping[str, str] = field(default_factory=dict)
    metadata: Metadata = field(default_factory=Metadata)
    pool: str | None = None
    nic: Nic | None = None
    devices: tuple[Device, ...] = ()


class Progress(t.Protocol):
    """The progress of a job."""

    @property
    def percent(self) -> int:
        """From 0 to 100."""

    @property
    def description(self) -> str:
        """The current step."""


OnProgress = t.Callable[[t.Any], None]

ReadOnce = t.Callable[[str, t.Callable[[], "bytes | None"]], "bytes | None"]
"""Returns the cached content of a file, or calls the function that reads it."""

Needs = tuple[tuple[str, ...], ...]
"""Roles that are required together; of those in one tuple, any one is enough."""


class ContainerBackend(abc.ABC):
    """The containers of one NAS. Names are full names with the prefix; times are in seconds.

    Methods raise the errors of `_api.errors`: `NotFound` for a name that does not exist, `NotPermitted` for a missing
    role, `Refused` for any other error of TrueNAS, `TimedOut`, `ConnectionFailed`.
    """

    generation: str
    """`virt` (Incus, TrueNAS 25.04 and 25.10) or `container` (libvirt LXC, from TrueNAS 26)."""

    needs: t.Mapping[str, Needs]
    """The roles that an account needs to `list`, `manage`, `stop` (and start) and `enter` containers."""

    no_swap_reason: str | None = None
    """Why the dataset of a container cannot be swapped with another one; None if it can.

    Clones, and restores with a safety checkpoint, require the swap.
    """

    tracked_snapshots: str | None = None
    """The prefix of the ZFS snapshots that the NAS tracks in its own record; None if it tracks none.

    If one of them is created or deleted in another way, the NAS cannot register the container when its pool for
    containers is set up again.
    """

    segment_nic_type: str
    """The type of NICs on a segment, an isolated bridge of the NAS: `macvlan` or `bridged`."""

    commit_interrupts_bridges: bool
    """Whether a commit of network changes takes running containers off the bridges of the NAS."""

    lists_all_images: bool
    """Whether `images` has every image that a container can be created from."""

    @functools.cached_property
    def _started(self) -> set[str]:
        return set()

    def note_start(self, name: str) -> None:
        """Note that a container was started: the web shells that were open in it before have ended."""
        self._started.add(name)

    def was_started(self, name: str) -> bool:
        """Return whether this process started a container since the last call for it."""
        if name not in self._started:
            return False
        self._started.discard(name)
        return True

    @property
    @abc.abstractmethod
    def devices(self) -> ContainerDevices:
        """The devices of containers other than NICs."""

    @property
    @abc.abstractmethod
    def reports_addresses(self) -> bool:
        """Whether this account can read the addresses of containers; otherwise only the guest knows them."""

    @abc.abstractmethod
    def ensure_ready(self) -> None:
        """Raise `Refused`, with the state, if this NAS is not set up for containers."""

    @abc.abstractmethod
    def reject_limits(self, *, cpu: str | None = None, memory: int | None = None) -> None:
        """Raise `Unsupported`, with an alternative, for a limit that this release cannot set."""

    @abc.abstractmethod
    def list(self, prefix: str) -> list[Container]:
        """Return all containers whose names start with `prefix`, sorted by name, with one query."""

    @abc.abstractmethod
    def find(self, name: str, *, timeout: float | None = None) -> Container | None:
        """Return a container; None if it does not exist. `timeout` bounds the query."""

    def settled(self, name: str, *, timeout: float) -> Container | None:
        """Return a container once its status is no longer transient, or as it is after `timeout` seconds."""
        end = time.monotonic() + timeout
        pause = FIRST_POLL_S
        while True:
            found = self.find(name)
            left = end - time.monotonic()
            if found is None or not found.transient or left <= 0:
                return found
            time.sleep(min(pause, left))
            pause = min(MAX_POLL_S, pause * 1.5)

    @abc.abstractmethod
    def create(self, new: NewContainer, *, timeout: float, progress: OnProgress | None = None) -> Container:
        """Create a container, stopped and without autostart."""

    @abc.abstractmethod
    def update(self, name: str, settings: t.Mapping[str, t.Any], *, timeout: float) -> None:
        """Change any of `cpu`, `memory` and `autostart`, and `environment` with `metadata`. Keep other settings.

        `environment` and `metadata` are set together: one generation stores them in the same record.
        """

    def finish(self, name: str) -> None:  # noqa: B027 (a generation without unfinished operations has nothing to do)
        """Do what an interrupted operation left undone; `Container.unfinished` names it."""

    @abc.abstractmethod
    def start(self, name: str, *, timeout: float) -> None:
        """Start a container if it does not run. Raises `Refused` for one that is suspended."""

    @abc.abstractmethod
    def stop(self, name: str, *, graceful: float, force: bool = False, timeout: float) -> None:
        """Stop a container within `graceful` seconds, or kill it with `force`. Do nothing if it is stopped.

        Raises `TimedOut` if it is still running after `graceful` seconds, and `Refused` for one that is suspended,
        unless `force` is set.
        """

    @abc.abstractmethod
    def restart(self, name: str, *, graceful: float, force: bool = False, timeout: float) -> None:
        """Stop a container as `stop` does, and start it."""

    @abc.abstractmethod
    def delete(self, name: str, *, timeout: float) -> None:
        """Delete a container with its files and snapshots."""

    @abc.abstractmethod
    def nic(self, name: str) -> Nic | None:
        """Return the container's own NIC; None if it has the default one of the NAS."""

    @abc.abstractmethod
    def parents(self, type: str) -> tuple[str, ...] | None:
        """Return the interfaces to which a NIC of that type can be attached; None if the NAS has no list of them."""

    @abc.abstractmethod
    def attachments(self) -> t.Sequence[Attachment]:
        """Return the NICs of all containers of the NAS, except those on its internal bridge."""

    @abc.abstractmethod
    def set_nic(self, name: str, nic: Nic) -> None:
        """Attach the container's NIC to another interface."""

    @abc.abstractmethod
    def images(self, *, timeout: float | None = None) -> t.Sequence[ListedImage]:
        """Return the images for containers, sorted by name. `timeout` bounds each query."""

    @abc.abstractmethod
    def pools(self) -> tuple[str, ...]:
        """Return the storage pools for containers, the default one first."""

    @abc.abstractmethod
    def dataset(self) -> str | None:
        """Return the parent dataset of containers on the default pool; None if the account cannot see it."""

    @abc.abstractmethod
    def rootfs(self, name: str) -> str:
        """Return the directory on the NAS where the root file system of a running container is mounted."""

    @abc.abstractmethod
    def adopt(self, directory: str, name: str, *, read_once: ReadOnce | None = None) -> str:
        """Make the NAS's record in a dataset that of the container `name`. Return the name in the record before.

        `directory` is where the dataset is mounted before it becomes the container's. `read_once` gets the name of a
        file there and a function that reads it; it may return cached content for files that several datasets share.
        """

    @abc.abstractmethod
    def rewrite_record(self, name: str, *, timeout: float) -> None:
        """Have the NAS write its record of a container to the container's dataset."""

    @abc.abstractmethod
    def created(self, name: str) -> datetime.datetime | None:
        """Return when the container was created, in UTC; None if the NAS does not report it."""

    @abc.abstractmethod
    def reject_restore(self, dataset: str, made: int) -> None:
        """Raise `Unsupported` for a snapshot whose files this release could not run.

        `made` is the transaction group in which it was taken.
        """

    @abc.abstractmethod
    def shell(self, name: str) -> t.Mapping[str, t.Any]:
        """Return the options for `Wire.borrow_shell` that open a shell in a container."""
