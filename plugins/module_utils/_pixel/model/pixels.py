# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the pixels of a NAS by name."""

from __future__ import annotations

import contextlib
import datetime
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._api.lazy_property import LazyProperty
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.defaults import Defaults
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import nas, values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.detect import detect_backend
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PREFIX, PixelName
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.replies import CheckedWire

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.known_hosts import KnownHosts
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.ssh_answers import SshAnswers
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, ContainerBackend
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import Snapshots
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.values import Warn
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

MAX_CLOCK_DIFFERENCE_S = 60.0

SETTLE_TIMEOUT_S = 30.0
"""How long to wait for the end of a transient status."""


class Pixels:
    """The pixels of one NAS. Every method accepts bare names (`web`) and full names (`px-web`)."""

    def __init__(
        self,
        wire: Wire,
        *,
        host_keys: KnownHosts | None = None,
        defaults: Defaults = Defaults(),
        dataset_prefix: str | None = None,
        warn: Warn = values.ignore,
        open_session: t.Callable[[], t.ContextManager[Wire]] | None = None,
    ) -> None:
        """`warn` is called once with each text about a value from the NAS that is invalid and ignored.

        `open_session` returns a new session with the same NAS, which nothing shares.
        """
        self.session = wire
        """The connection without validation of replies."""
        self.wire: Wire = CheckedWire(wire)
        self.nas = wire.nas
        self.warn = values.Warnings(warn)
        self._host_keys = host_keys
        self._open_session = open_session
        self.defaults = defaults
        self.dataset_prefix = dataset_prefix
        """Parent of the datasets of containers, if it is not the default of the NAS."""

    @contextlib.contextmanager
    def log_in(self) -> t.Iterator[Wire]:
        """Yield a new session with a login of its own, which proves that the NAS answers."""
        if self._open_session is None:
            raise Unsupported("a new login is not possible here: the session was opened by another program")
        with self._open_session() as fresh:
            yield CheckedWire(fresh)

    @LazyProperty
    def backend(self) -> ContainerBackend:
        """The container backend of this NAS, whether or not it is set up."""
        return detect_backend(self.wire, self.warn)

    @LazyProperty
    def containers(self) -> ContainerBackend:
        """The container backend. Raises `Refused` if it is not set up on the NAS."""
        self.backend.ensure_ready()
        return self.backend

    @LazyProperty
    def host_keys(self) -> KnownHosts:
        """The pinned SSH host keys of pixels."""
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.known_hosts import KnownHosts

        return self._host_keys or KnownHosts(warn=self.warn)

    @LazyProperty
    def ssh_answers(self) -> SshAnswers:
        """Whether the SSH servers of pixels responded before."""
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.ssh_answers import SshAnswers

        return SshAnswers(self.nas)

    @LazyProperty
    def snapshots(self) -> Snapshots:
        """The snapshots of the NAS."""
        # Imported here, because a list of pixels needs none and must be fast.
        from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import Snapshots

        return Snapshots(self.wire, self.warn)

    @property
    def now(self) -> datetime.datetime:
        """The time by the clock of the NAS, in UTC, or by that of this controller if the account cannot read it.

        Warn if the clocks differ.
        """
        return datetime.datetime.now(datetime.UTC) + self._clock_difference

    @LazyProperty
    def _clock_difference(self) -> datetime.timedelta:
        """How much the clock of the NAS is ahead of that of this controller."""
        of_nas = nas.clock(self.wire)
        if of_nas is None:
            self.warn(
                f"cannot read the clock of {self.nas}: the account has not the role READONLY_ADMIN. Lifetimes use the "
                "clock of this controller"
            )
            return datetime.timedelta()
        difference = of_nas - datetime.datetime.now(datetime.UTC)
        seconds = difference.total_seconds()
        if abs(seconds) > MAX_CLOCK_DIFFERENCE_S:
            self.warn(
                f"the clock of this controller is {abs(seconds):.0f} seconds {'behind' if seconds > 0 else 'ahead of'} "
                f"that of {self.nas}. Lifetimes use the clock of the NAS"
            )
        return difference

    def list(self) -> list[Container]:
        """Return all pixels of the NAS, sorted by name, with one query."""
        return self.containers.list(PREFIX)

    def find(self, name: str) -> Container | None:
        """Return a pixel; None if it does not exist. Raises `Invalid` for an invalid name."""
        return self.containers.find(PixelName.parse(name))

    def get(self, name: str) -> Container:
        """Return a pixel after the end of a transient status. Raises `NotFound` if it does not exist."""
        found = self.find(name)
        found = self.settled(found) if found else None
        if found is None:
            raise NotFound(f"there is no pixel named {PixelName.parse(name).bare} on {self.nas}")
        return found

    def settled(self, container: Container) -> Container | None:
        """Return a container after the end of a transient status; None if it no longer exists."""
        if not container.transient:
            return container
        return self.containers.settled(container.name, timeout=SETTLE_TIMEOUT_S)
