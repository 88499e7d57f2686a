# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a container of TrueNAS 26 with a network card of its own, or leaves nothing behind."""

from __future__ import annotations

import contextlib
import threading
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, PixelsError, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import cpusets, description, registry, removal

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import NewContainer, OnProgress
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.registry import Build
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

Row = t.Mapping[str, t.Any]

LEAST = 60.0
"""Seconds there are to take back a container that could not be finished."""


class Maker:
    """Makes containers on one NAS, several at once where that may be."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._locks: dict[tuple[str | None, Build], threading.Lock] = {}
        self._pulled: set[tuple[str | None, Build]] = set()

    def make(self, new: NewContainer, parent: str, *, timeout: float, progress: OnProgress | None) -> Row:
        """Make it stopped, attached to the interface C(parent) of the NAS, and return its row."""
        row = self._newest(new, self._wanted(new, parent), timeout=timeout, progress=progress)
        try:
            # Without one of its own it is on the same bridge, and has another MAC, so another address, at each start.
            attach(self._wire, row["id"], parent)
        except BaseException as error:
            self._take_back(row, error)
            raise
        return row

    def _wanted(self, new: NewContainer, parent: str) -> dict[str, t.Any]:
        wanted: dict[str, t.Any] = {
            "name": new.name,
            "autostart": False,
            # The job may outlive whoever waits for it, and then it is up to the next one who starts it.
            "description": description.with_marks("", new.marks, card=parent),
            "initenv": dict(new.environment),
        }
        if new.pool is not None:
            wanted["pool"] = new.pool
        if new.cpu is not None:
            wanted["cpuset"] = cpusets.written(new.cpu, self._wire.nas)
        return wanted

    def _newest(self, new: NewContainer, wanted: Row, *, timeout: float, progress: OnProgress | None) -> Row:
        """Make it of the newest build of its image; where that is gone since it was listed, of the one listed then."""
        build = registry.newest(self._wire, new.image)
        try:
            return self._of(build, wanted, timeout=timeout, progress=progress)
        except (Invalid, Refused) as error:
            if not says_pruned(error):
                raise self._clearer(error, new) from error
            newer = registry.newest(self._wire, new.image)
            if newer == build:
                raise
        return self._of(newer, wanted, timeout=timeout, progress=progress)

    def _of(self, build: Build, wanted: Row, *, timeout: float, progress: OnProgress | None) -> Row:
        with self._alone_until_pulled(wanted.get("pool"), build):
            row: Row = self._wire.run_job(
                "container.create", {**wanted, "image": build.argument()}, timeout=timeout, progress=progress
            )
        return row

    @contextlib.contextmanager
    def _alone_until_pulled(self, pool: str | None, build: Build) -> t.Iterator[None]:
        """TrueNAS takes an image that another job is just downloading for a wreck, and deletes it (image.py, pull)."""
        key = (pool, build)
        with contextlib.ExitStack() as alone:
            alone.enter_context(self._locks.setdefault(key, threading.Lock()))
            if key in self._pulled:
                alone.close()
            yield
            self._pulled.add(key)

    def _clearer(self, error: Invalid | Refused, new: NewContainer) -> Invalid | Refused:
        """The same, with what helps against files that a container left behind."""
        if isinstance(error, Refused) and f"containers/{new.name}' already exists" in str(error):
            return Refused(
                f"{error}. {self._wire.nas} still has the files of a container of that name, and no container: look "
                "at them in its shell, and remove them with zfs destroy -r, or take another name"
            )
        return error

    def _take_back(self, row: Row, error: BaseException) -> None:
        """Remove a container that is not finished; what keeps it is told in the error."""
        try:
            removal.remove(self._wire, row, timeout=LEAST)
        except PixelsError as another:
            if isinstance(error, PixelsError):
                told = f"{error}. {row['name']} was made all the same, and could not be removed: {another}"
                error.args = (f"{told}. Remove it with state absent", *error.args[1:])


def attach(wire: Wire, identity: int, parent: str) -> None:
    """Give a container a network card. TrueNAS makes up a MAC and keeps it, and sees for itself what is a bridge."""
    attributes = {"dtype": "NIC", "type": "VIRTIO", "nic_attach": parent}
    wire.call("container.device.create", {"container": identity, "attributes": attributes})


def says_pruned(error: Invalid | Refused) -> bool:
    """A guess, partly from the text: a download that fails has no errno of its own (image.py, pull)."""
    if isinstance(error, Invalid):
        return any((name or "").startswith("container_create.image.") for name, _problem in error.fields)
    return "Failed to download image" in str(error)
