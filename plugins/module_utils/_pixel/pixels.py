# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one connection to a NAS gives: its pixels, found by the names people use."""

from __future__ import annotations

import typing as t
from functools import cached_property

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.defaults import Defaults
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.choose import choose

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.host_keys import HostKeys
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, ContainerBackend
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import Snapshots
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire


class Pixels:
    """The pixels of one NAS. Every method takes bare names, and full ones (C(px-web)) as well."""

    def __init__(
        self,
        wire: Wire,
        *,
        host_keys: HostKeys | None = None,
        defaults: Defaults = Defaults(),
        dataset_prefix: str | None = None,
    ) -> None:
        self.wire = wire
        self.nas = wire.nas
        self._host_keys = host_keys
        self.defaults = defaults
        self.dataset_prefix = dataset_prefix
        """Where the datasets of containers are, when that is not where the NAS has them."""

    @cached_property
    def backend(self) -> ContainerBackend:
        """Whatever this NAS manages containers with, set up or not."""
        return choose(self.wire)

    @cached_property
    def containers(self) -> ContainerBackend:
        """The same, sure to be set up. Raises C(Refused) when it is not."""
        self.backend.ensure_ready()
        return self.backend

    @cached_property
    def host_keys(self) -> HostKeys:
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.host_keys import HostKeys

        return self._host_keys or HostKeys()

    @cached_property
    def snapshots(self) -> Snapshots:
        # Only here, as below: who lists pixels needs neither, and waits for what is loaded.
        from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import Snapshots

        return Snapshots(self.wire)

    def list(self) -> list[Container]:
        """Every pixel of the NAS, by name: one query."""
        return self.containers.list(names.PREFIX)

    def find(self, name: str) -> Container | None:
        return self.containers.find(names.full_name(name))

    def get(self, name: str) -> Container:
        """Raises C(NotFound), naming the pixel and the NAS."""
        found = self.find(name)
        if found is None:
            raise NotFound(f"there is no pixel named {names.bare_name(name)} on {self.nas}")
        return found
