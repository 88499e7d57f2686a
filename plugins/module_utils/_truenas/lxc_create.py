# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create a container with its own NIC on TrueNAS 26, or leave nothing behind."""

from __future__ import annotations

import contextlib
import threading
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, PixelsError, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import (
    cpuset,
    image_registry,
    lxc_delete,
    lxc_devices,
    metadata_line,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import NewContainer, OnProgress
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.image_registry import Build
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

Row = t.Mapping[str, t.Any]

REMOVE_TIMEOUT_S = 60.0
"""For deleting a container that could not be finished."""


class ContainerCreator:
    """Creates containers on one NAS, in parallel unless they pull the same image."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._locks: dict[tuple[str | None, Build], threading.Lock] = {}
        self._pulled: set[tuple[str | None, Build]] = set()

    def create(self, new: NewContainer, parent: str, *, timeout: float, progress: OnProgress | None) -> Row:
        """Create a stopped container, attached to the interface `parent` of the NAS. Return its row."""
        row = self._create_from_newest(new, self._settings(new, parent), timeout=timeout, progress=progress)
        try:
            # Without its own NIC it is on the same bridge, but with another MAC address at each start.
            attach(self._wire, row["id"], parent)
            for device in new.devices:
                lxc_devices.attach(self._wire, row["id"], device)
        except BaseException as error:
            self._remove_unfinished(row, error)
            raise
        return row

    def _settings(self, new: NewContainer, parent: str) -> dict[str, t.Any]:
        settings: dict[str, t.Any] = {
            "name": new.name,
            "autostart": False,
            # With the NIC to attach: the job may outlive this process, and then the next start attaches it.
            "description": metadata_line.with_metadata("", new.metadata, nic_parent=parent),
            "initenv": dict(new.environment),
        }
        if new.pool is not None:
            settings["pool"] = new.pool
        if new.cpu is not None:
            settings["cpuset"] = cpuset.to_truenas(new.cpu, self._wire.nas)
        return settings

    def _create_from_newest(
        self, new: NewContainer, settings: Row, *, timeout: float, progress: OnProgress | None
    ) -> Row:
        """Create it from the newest build of its image. If that was pruned since it was listed, list again."""
        build = image_registry.newest(self._wire, new.image)
        try:
            return self._create_from(build, settings, timeout=timeout, progress=progress)
        except (Invalid, Refused) as error:
            if not says_pruned(error):
                self._explain(error, new)
                raise
            newer = image_registry.newest(self._wire, new.image)
            if newer == build:
                raise
        return self._create_from(newer, settings, timeout=timeout, progress=progress)

    def _create_from(self, build: Build, settings: Row, *, timeout: float, progress: OnProgress | None) -> Row:
        with self._pull_lock(settings.get("pool"), build):
            row: Row = self._wire.run_job(
                "container.create", {**settings, "image": build.argument()}, timeout=timeout, progress=progress
            )
        return row

    @contextlib.contextmanager
    def _pull_lock(self, pool: str | None, build: Build) -> t.Iterator[None]:
        """Let one job at a time pull an image: TrueNAS deletes a partial download of another job (image.py, pull)."""
        key = (pool, build)
        with contextlib.ExitStack() as alone:
            alone.enter_context(self._locks.setdefault(key, threading.Lock()))
            if key in self._pulled:
                alone.close()
            yield
            self._pulled.add(key)

    def _explain(self, error: Invalid | Refused, new: NewContainer) -> None:
        """Add to an error what to do about files that another container left behind."""
        if isinstance(error, Refused) and f"containers/{new.name}' already exists" in str(error):
            error.add_suffix(f"{self._wire.nas} still has the files of a deleted container '{new.name}'")
            error.hints = (
                Hint.advice("check them in the shell of the NAS and remove them with zfs destroy -r"),
                Hint.advice("choose another name"),
            )

    def _remove_unfinished(self, row: Row, error: BaseException) -> None:
        """Delete a container that is not finished. If that fails, add the reason to `error`."""
        try:
            lxc_delete.remove(self._wire, row, timeout=REMOVE_TIMEOUT_S)
        except PixelsError as another:
            if isinstance(error, PixelsError):
                error.add_suffix(f"{row['name']} was created nevertheless and could not be removed: {another.message}")
                error.hints = (Hint.state("absent", row["name"], "to remove it"),)


def attach(wire: Wire, identity: int, parent: str) -> None:
    """Add a NIC to a container. TrueNAS generates a permanent MAC address and detects whether `parent` is a bridge."""
    attributes = {"dtype": "NIC", "type": "VIRTIO", "nic_attach": parent}
    wire.call("container.device.create", {"container": identity, "attributes": attributes})


def says_pruned(error: Invalid | Refused) -> bool:
    """Guess, partly from the text, whether the build is gone: a failed download has no errno (image.py, pull)."""
    if isinstance(error, Invalid):
        return any((name or "").startswith("container_create.image.") for name, _problem in error.fields)
    return "Failed to download image" in str(error)
