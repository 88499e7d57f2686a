# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one interface to containers, whatever generation of TrueNAS is behind it."""

from __future__ import annotations

import abc
import typing as t
from dataclasses import dataclass, field

MIB = 1024 * 1024


@dataclass(frozen=True)
class Address:
    """An address the NAS reports for a container."""

    family: str
    """C(ipv4) or C(ipv6)."""
    address: str
    prefix: int | None = None


@dataclass(frozen=True)
class Nic:
    """The network card of a container: how it is attached, and to which interface of the NAS."""

    parent: str
    type: str = "macvlan"
    """C(macvlan) or C(bridged)."""
    name: str = "eth0"


@dataclass(frozen=True)
class Image:
    """What TrueNAS remembers of the image a container was made from; the alias it was asked for is a mark of ours."""

    os: str = ""
    release: str = ""
    variant: str = ""
    description: str = ""


@dataclass(frozen=True)
class Marks:
    """What we note in the container's own record, so that every controller sees it; the guest may read it, too."""

    fleet: str | None = None
    owner: str | None = None
    labels: t.Mapping[str, str] = field(default_factory=dict)
    image: str | None = None
    """The alias of the image it was made from."""
    origin: str | None = None
    """The checkpoint it was cloned from, as C(base@label)."""
    cloning: str | None = None
    """The same, as long as the clone is not finished."""
    run: str | None = None
    """Who makes the clone, as long as it is not finished: two that make the same tell each other by it."""
    pending: str | None = None
    """The setting (C(autostart)) that a new one gets once it has been brought up, as long as it was not."""


@dataclass(frozen=True)
class Container:
    """A container as the NAS has it, by its full instance name."""

    name: str
    status: str
    """In small letters: running, stopped, frozen, error, ..."""
    addresses: tuple[Address, ...] = ()
    cpu: str | None = None
    """Number of cores (C(2)) or a set of them (C(0-3)); None is no limit."""
    memory: int | None = None
    """Bytes, always whole MiB; None is no limit."""
    image: Image = field(default_factory=Image)
    environment: t.Mapping[str, str] = field(default_factory=dict)
    autostart: bool = False
    marks: Marks = field(default_factory=Marks)
    pool: str | None = None
    dataset: str | None = None

    @property
    def running(self) -> bool:
        return self.status == "running"

    @property
    def ipv4(self) -> str | None:
        """The first IPv4 address; None until the NAS reports one."""
        return next((each.address for each in self.addresses if each.family == "ipv4" and each.address), None)


@dataclass(frozen=True)
class NewContainer:
    """What is asked for when a container is made."""

    name: str
    image: str
    cpu: str | None = None
    memory: int | None = None
    environment: t.Mapping[str, str] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)
    pool: str | None = None
    nic: Nic | None = None


class Progress(t.Protocol):
    """What a job reports while it runs."""

    @property
    def percent(self) -> int: ...

    @property
    def description(self) -> str: ...


OnProgress = t.Callable[[t.Any], None]

Needs = tuple[tuple[str, ...], ...]
"""Roles that are needed together; of those in one tuple any will do."""


class ContainerBackend(abc.ABC):
    """Containers of one NAS. Names are full instance names; times are seconds.

    Every method may raise what C(_api.errors) lists: C(NotFound) for a name that is not there, C(NotPermitted)
    for a right the account lacks, C(Refused) when TrueNAS says no, C(TimedOut), C(ConnectionFailed).
    """

    generation: str
    """C(virt) (Incus, TrueNAS 25.04 and 25.10) or C(container) (libvirt LXC, TrueNAS 26 on)."""

    needs: t.Mapping[str, Needs]
    """The roles an account needs to C(list) containers, C(manage) them, C(stop) and start them, and C(enter) one."""

    fixed: str | None = None
    """Why the dataset of a container cannot change places with another one; None where it can.

    That is what a clone takes, and a restore that keeps the state before.
    """

    @property
    @abc.abstractmethod
    def tells_addresses(self) -> bool:
        """Whether this account is told the addresses of containers; otherwise they are seen from inside only."""

    @abc.abstractmethod
    def ensure_ready(self) -> None:
        """Raise C(Refused) when containers are not set up on this NAS, saying in which state they are."""

    @abc.abstractmethod
    def refuse_limits(self, *, cpu: str | None = None, memory: int | None = None) -> None:
        """Raise C(Unsupported) for a limit that no container can have here, saying what to do instead."""

    @abc.abstractmethod
    def list(self, prefix: str) -> list[Container]:
        """All containers whose name starts with C(prefix), by name: one query."""

    @abc.abstractmethod
    def find(self, name: str) -> Container | None: ...

    @abc.abstractmethod
    def create(self, new: NewContainer, *, timeout: float, progress: OnProgress | None = None) -> Container:
        """Make it, stopped and without autostart."""

    @abc.abstractmethod
    def update(self, name: str, settings: t.Mapping[str, t.Any], *, timeout: float) -> None:
        """Change any of C(cpu), C(memory), C(autostart), and C(environment) with C(marks); what is not given stays.

        The last two are one record where a generation keeps them together, so both or neither are given.
        """

    @abc.abstractmethod
    def start(self, name: str, *, timeout: float) -> None:
        """Start it; a container that runs already is no error."""

    @abc.abstractmethod
    def stop(self, name: str, *, graceful: float, force: bool = False, timeout: float) -> None:
        """Ask it to stop within C(graceful) seconds, or kill it; a container that is stopped already is no error.

        Raises C(TimedOut) when it is still running after C(graceful) seconds.
        """

    @abc.abstractmethod
    def restart(self, name: str, *, graceful: float, force: bool = False, timeout: float) -> None: ...

    @abc.abstractmethod
    def delete(self, name: str, *, timeout: float) -> None:
        """Remove it with its files and snapshots."""

    @abc.abstractmethod
    def nic(self, name: str) -> Nic | None:
        """Its own network card; None when it has the default one of the NAS."""

    @abc.abstractmethod
    def parents(self, type: str) -> tuple[str, ...] | None:
        """The interfaces a card of that type can be attached to; None where the NAS has no list of them."""

    @abc.abstractmethod
    def set_nic(self, name: str, nic: Nic) -> None: ...

    @abc.abstractmethod
    def pools(self) -> tuple[str, ...]:
        """The storage pools containers may live on, the default one first."""

    @abc.abstractmethod
    def dataset(self) -> str | None:
        """The dataset containers of the default pool live below; None when it cannot be seen."""

    @abc.abstractmethod
    def rootfs(self, name: str) -> str:
        """Where the files of a running container are mounted on the NAS."""

    @abc.abstractmethod
    def refuse_to_restore(self, dataset: str, made: int) -> None:
        """Raise C(Unsupported) for a snapshot whose files this release could not run.

        C(made) is when it was taken, in transactions of its pool.
        """

    @abc.abstractmethod
    def shell(self, name: str) -> t.Mapping[str, t.Any]:
        """The options with which the NAS opens a shell in a container, for C(Wire.borrow_shell)."""
