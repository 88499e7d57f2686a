# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create a pixel from a checkpoint of another one with a ZFS clone.

TrueNAS creates containers from images only, so a clone is made in two halves:

1. The checkpoint is cloned to a dataset outside of `.ix-virt`, which the NAS mounts automatically. No process runs in
   it, so its hostname, machine-id and SSH host keys are replaced before it connects to a network.
2. A container is created from the image of the source, stopped, with metadata that marks it as unfinished.
3. The record of Incus in the clone (`backup.yaml`) is replaced with that of the container: name, MAC and metadata.
4. The dataset of the container is set aside, the clone is renamed to it, and then the one set aside is deleted.
5. The mark is removed. That update makes Incus write its own record of the container to the clone.

No process has run in the container by then, so a failure at any step is rolled back completely. What cannot be rolled
back is found by the mark and the names: the next run deletes it first, once no other client works on it.
"""

from __future__ import annotations

import contextlib
import functools
import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    NotFound,
    NotPermitted,
    PixelsError,
    Refused,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import (
    checkpoints,
    dataset_layout,
    recovery,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import (
    Origin,
    Source,
    recorded_origin,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import identity
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.rootfs import Rootfs
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import datasets, files

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import (
        Container,
        NewContainer,
        OnProgress,
    )
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName


ACTIVITY_TIMEOUT_S = 20.0
"""Seconds in which another client that makes the same clone changes something. Without a change, the clone is stale."""

CLEANUP_TIMEOUT_S = 60.0
"""Seconds for deleting an unfinished clone, at least, even if the timeout of the task has expired."""


def clone(
    pixels: Pixels, source: Source, new: NewContainer, *, deadline: Deadline, progress: OnProgress | None = None
) -> None:
    """Create a stopped clone. Failures are rolled back; if that fails too, the error says so."""
    origin = Origin(source.container.name, source.label)
    where = dataset_layout.clone_datasets(dataset_layout.dataset_of(pixels, source.container), new.name)
    with trying(f"cloning {new.name.bare} from {origin} on {pixels.nas}"):
        destroy_unfinished(pixels, new.name, where, deadline=deadline)
        taken: str | None = None
        try:
            if source.snapshot_id is None:
                recovery.recover(pixels, source.container)
                taken = take_origin(pixels, source)
                origin = replace(origin, label=taken)
            snapshot_id = source.snapshot_id or f"{dataset_layout.dataset_of(pixels, source.container)}@{taken}"
            pixels.snapshots.clone(snapshot_id, where.staged)
            keys = regenerate_identity(pixels, source, new.name, where)
            unfinished = replace(new, metadata=replace(new.metadata, cloning=str(origin), run=where.token))
            pixels.containers.create(unfinished, timeout=deadline.left, progress=progress)
            # Before the rename: a NAS that sets Incus up meanwhile must not find the record of the source there.
            pixels.containers.adopt(where.mounted, new.name, read_once=functools.partial(source.files.get, "beside"))
            swap_datasets(pixels, new.name, where)
            mark_finished(pixels, new, str(origin), deadline=deadline)
        except PixelsError as error:
            # Without clones, the snapshot can be replaced by one in which files are symlinks.
            source.files.clear()
            roll_back_clone(pixels, source, taken, new.name, where, error, deadline=deadline)
            raise
    alias = known_hosts.alias(new.name, pixels.nas)
    for key in keys:
        pixels.host_keys.pin(alias, key.kind, key.key)


def take_origin(pixels: Pixels, source: Source) -> str:
    """Take a snapshot of the current state of the source for one clone, and return its label."""
    dataset = dataset_layout.dataset_of(pixels, source.container)
    stale = pixels.snapshots.find(dataset, source.label)
    if stale and is_spare_origin(stale.properties) and not stale.clones and not stale.holds:
        # It was taken for an earlier clone of that name, and has an old state.
        pixels.snapshots.delete(stale.id)
    return checkpoints.take(pixels, source.container, source.label, purpose=checkpoints.CLONE, exact=False)


def is_spare_origin(properties: t.Mapping[str, str]) -> bool:
    """Return whether a snapshot was taken for one clone only, and is not needed without it."""
    return properties.get(checkpoints.MADE_BY) == checkpoints.COLLECTION and (
        properties.get(checkpoints.PURPOSE) == checkpoints.CLONE
    )


def regenerate_identity(
    pixels: Pixels, source: Source, name: PixelName, where: dataset_layout.CloneDatasets
) -> list[identity.PublicKey]:
    """Replace the identity in a staged clone, and return its SSH host keys. Raises `Refused`, and `Unsupported`."""
    path = f"{where.mounted}/rootfs"
    found = files.stat(pixels.wire, path)
    if found is None:
        raise Refused(f"the clone is not mounted at {where.mounted}, so its hostname and keys cannot be replaced")
    if found.uid != 0:
        # Incus shifted the IDs in the files, and shifts those of a new container again.
        raise Unsupported(
            f"the files in the checkpoint belong to the shifted UID {found.uid}: this NAS does not map IDs at the "
            "mount, and Incus would shift those of a clone twice"
        )
    return identity.regenerate(Rootfs(pixels, name, path, cache=source.files), name)


def swap_datasets(pixels: Pixels, name: PixelName, where: dataset_layout.CloneDatasets) -> None:
    """Replace the dataset of the container with the clone. The replaced one is deleted last."""
    made = pixels.containers.find(name)
    if made is None or made.metadata.run != where.token:
        raise Refused("another client has started to create it").with_hints(Hint.run_again("in a moment"))
    if made.running:
        reject_finished(pixels, made)
    datasets.rename(pixels.wire, where.target, where.unused)
    datasets.rename(pixels.wire, where.staged, where.target)
    datasets.delete(pixels.wire, where.unused)


def mark_finished(pixels: Pixels, new: NewContainer, origin: str, *, deadline: Deadline) -> None:
    """Remove the mark of an unfinished clone. The update makes Incus write its record to the dataset, too."""
    settings = {"environment": new.environment, "metadata": replace(new.metadata, origin=origin)}
    pixels.containers.update(new.name, settings, timeout=deadline.left)


def roll_back_clone(
    pixels: Pixels,
    source: Source,
    taken: str | None,
    name: PixelName,
    where: dataset_layout.CloneDatasets,
    error: PixelsError,
    *,
    deadline: Deadline,
) -> None:
    """After a failure, delete everything that was created. If that fails too, add it to the error."""
    try:
        if datasets.exists(pixels.wire, where.staged):
            datasets.delete(pixels.wire, where.staged)
        made = pixels.containers.find(name)
        if made and made.metadata.run == where.token and not made.running:
            delete_unfinished(pixels, made, where.unused, deadline=deadline)
        delete_spare_origin(pixels, source.container, taken or (None if source.snapshot_id else source.label))
    except PixelsError as another:
        error.add_suffix(f"Removing what had been created failed as well: {another.message}")
        remove = Hint.state("absent", name.bare, "to remove what is left")
        error.hints = (Hint.run_again("to continue"), remove)


def destroy_unfinished(
    pixels: Pixels, name: PixelName, where: dataset_layout.CloneDatasets, *, deadline: Deadline
) -> None:
    """Delete what an unfinished clone of that name left. Raises `Refused` if another client makes or started it."""

    def read_state() -> tuple[tuple[str, ...], Container | None]:
        # This read requires the permission to delete datasets: without it, the call fails before any change.
        staged = datasets.find_by_prefix(pixels.wire, where.all_staged)
        return tuple(dataset.name for dataset in staged), pixels.containers.find(name)

    staged, unfinished = found = read_state()
    if unfinished:
        reject_finished(pixels, unfinished)
    if not staged and not unfinished:
        return
    if Deadline(min(ACTIVITY_TIMEOUT_S, deadline.left)).wait_until(lambda: read_state() != found or None):
        problem = f"another client is creating {name.bare} on {pixels.nas} right now"
        raise Refused(problem).with_hints(Hint.run_again("in a moment"))
    for dataset in staged:
        datasets.delete(pixels.wire, dataset)
    if unfinished:
        for unused in datasets.find_by_prefix(pixels.wire, where.all_unused):
            datasets.delete(pixels.wire, unused.name)
        pixels.containers.delete(name, timeout=max(deadline.left, CLEANUP_TIMEOUT_S))


def delete_unfinished(pixels: Pixels, unfinished: Container, unused: str, *, deadline: Deadline) -> None:
    """Delete the container of an unfinished clone and its unused dataset."""
    pixels.containers.delete(unfinished.name, timeout=max(deadline.left, CLEANUP_TIMEOUT_S))
    datasets.delete(pixels.wire, unused)


def reject_finished(pixels: Pixels, container: Container) -> None:
    """Raise `Refused` for a pixel that is not an unfinished clone, or that was started."""
    bare = container.name.bare
    if not container.metadata.cloning:
        raise Refused(f"another client has created {bare} on {pixels.nas}, which is unchanged")
    if container.status != "stopped":
        raise Refused(
            f"{bare} on {pixels.nas} is an unfinished clone of {container.metadata.cloning} that another client "
            f"started ({container.status}). Copy what you need from it"
        ).with_hints(Hint.state("absent", bare, "to remove it"))


def delete_spare_origin(pixels: Pixels, source: Container, label: str | None) -> None:
    """Delete the snapshot that was taken for a clone that no longer exists. Other snapshots are unchanged."""
    if label is None or not label.startswith(checkpoints.CLONE_ORIGIN):
        return
    found = pixels.snapshots.find(dataset_layout.dataset_of(pixels, source), label)
    if found and is_spare_origin(found.properties) and not found.clones and not found.holds:
        try:
            pixels.snapshots.delete(found.id)
        except NotFound:
            return
        except PixelsError as error:
            error.hints = (Hint.delete_checkpoint(source.name.bare, label),)
            raise


def release_origin(pixels: Pixels, clone: Container) -> None:
    """Have ZFS delete the snapshot that was taken for a clone together with the clone (`zfs destroy -d`).

    Called before the clone is destroyed, so that an interruption leaves no snapshot behind.
    """
    origin = recorded_origin(clone.metadata.origin)
    if origin is None or not origin.label or not origin.label.startswith(checkpoints.CLONE_ORIGIN):
        return
    source = pixels.containers.find(origin.name)
    if source is None:
        return
    # Destroying a pixel does not require the permission to delete snapshots.
    with contextlib.suppress(NotFound, NotPermitted):
        found = pixels.snapshots.find(dataset_layout.dataset_of(pixels, source), origin.label)
        if found and is_spare_origin(found.properties):
            pixels.snapshots.delete(found.id, defer=True)


def destroy_spare_origins(pixels: Pixels, clone: Container) -> None:
    """Delete staged datasets and the snapshot that were made for a pixel that was just destroyed."""
    origin = recorded_origin(clone.metadata.origin or clone.metadata.cloning)
    if origin is None or origin.base:
        return
    if clone.metadata.cloning:
        where = dataset_layout.clone_datasets(dataset_layout.dataset_of(pixels, clone), clone.name)
        for staged in datasets.find_by_prefix(pixels.wire, where.all_staged):
            datasets.delete(pixels.wire, staged.name)
    source = pixels.containers.find(origin.name)
    if source:
        delete_spare_origin(pixels, source, origin.label)
