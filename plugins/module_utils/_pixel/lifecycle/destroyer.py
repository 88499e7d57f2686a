# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Destroy a pixel with its checkpoints, and promote or keep what its clones depend on."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    NotFound,
    NotPermitted,
    Refused,
    TimedOut,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import (
    checkpoints,
    dataset_layout,
    recovery,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning import cloner
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import base_versions
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import datasets

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints.checkpoints import Checkpoint
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import CurrentState, PixelSpec
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName


def checkpoints_destroyed_with(pixels: Pixels, container: Container) -> tuple[checkpoints.Checkpoint, ...]:
    """Return the checkpoints of a pixel to destroy, as far as the account may read them."""
    try:
        return tuple(checkpoints.list_checkpoints(pixels, container))
    except (NotPermitted, Unsupported):
        # Incus never destroys a dataset with clones: it moves it to `deleted/containers`.
        return ()


def reject_clones(pixels: Pixels, container: Container, clones: t.Sequence[str], *, policy: str) -> None:
    """Raise an error if there are clones, on a NAS that can neither promote them nor keep their checkpoints.

    The error is `Refused` for the policy `refuse`, else `Unsupported`.
    """
    if clones:
        kind = Refused if policy == "refuse" else Unsupported
        raise kind(
            f"{container.name.bare} on {pixels.nas} was not destroyed, and nothing was changed: this "
            f"release of TrueNAS cannot keep the checkpoints of clones, and there are {', '.join(clones)}. Destroy "
            "them first"
        )


def reject_destroy(found: CurrentState, spec: PixelSpec) -> None:
    """Raise `Refused` for a protected pixel, a base, clones that the policy `refuse` protects, and held checkpoints."""
    bare = found.container.name.bare
    if found.container.metadata.protected and not spec.unprotect:
        raise Refused(f"{bare} was not destroyed: it is protected").with_hints(
            Hint.option("force", True, "to destroy it anyway")
        )
    if base_versions.is_complete(found.container) and not spec.unprotect:
        base = found.container.metadata.base
        raise Refused(f"{bare} was not destroyed: it is a version of the base {base}").with_hints(
            Hint.advice(f"destroy the base with pixels_base or pixels bases delete {base}"),
            Hint.option("force", True, "to destroy this version only"),
        )
    clones = dependents(found.checkpoints, without=spec.also_destroyed)
    if clones and spec.clones == "refuse":
        raise Refused(
            f"{bare} was not destroyed: ZFS cannot destroy checkpoints with clones, and there are {', '.join(clones)}"
        ).with_hints(
            Hint.advice("destroy them first"),
            Hint.option("clones", "promote", "to move the checkpoints to them"),
            Hint.option("clones", "leave", f"to destroy {bare} and keep its hidden data while they need it"),
        )
    moved = promoted_checkpoints(found.checkpoints, found.labels_of_clones) if spec.clones == "promote" else []
    kept = datasets_in_use(found.checkpoints) if spec.clones == "leave" else set()
    held = [
        checkpoint.label
        for checkpoint in found.checkpoints
        if checkpoint.snapshot.holds and checkpoint not in moved and checkpoint.snapshot.dataset not in kept
    ]
    if held:
        raise Refused(
            f"{bare} was not destroyed, and nothing was changed: ZFS cannot destroy held checkpoints, and there are "
            f"{', '.join(held)}. Release them in the TrueNAS web interface first"
        )


def destroy(pixels: Pixels, found: CurrentState, *, clones: str, options: ApplyOptions, deadline: Deadline) -> None:
    """Stop a pixel (gracefully, then by force), delete it with its checkpoints, and unpin its host keys."""
    container = found.container
    with trying(f"destroying {container.name.bare} on {pixels.nas}"):
        recovery.recover(pixels, container)
        if clones == "promote" and dependents(found.checkpoints):
            promote_clones(pixels, container)
        if container.running or container.transient:
            stop_or_kill(pixels, container, options=options, deadline=deadline)
        for each in found.checkpoints:
            checkpoints.destroy_empty(pixels, each)
        if any(each.set_aside for each in found.checkpoints):
            destroy_set_aside(pixels, container)
        cloner.release_origin(pixels, container)
        delete_with_retries(pixels, container.name, options=options, deadline=deadline)
    pixels.host_keys.forget(known_hosts.alias(container.name, pixels.nas))
    pixels.ssh_answers.forget(container.name)
    with trying(f"{container.name.bare} on {pixels.nas} was destroyed. Removing its leftovers"):
        cloner.destroy_spare_origins(pixels, container)
        if (container.dataset or pixels.dataset_prefix) and not pixels.backend.no_swap_reason:
            destroy_leftovers(pixels, dataset_layout.dataset_of(pixels, container))


def stop_or_kill(pixels: Pixels, container: Container, *, options: ApplyOptions, deadline: Deadline) -> None:
    """Stop a container, by force if it does not stop within `options.stop_timeout`."""
    try:
        pixels.containers.stop(
            container.name, graceful=options.stop_timeout, force=options.force, timeout=deadline.left
        )
    except TimedOut:
        pixels.containers.stop(container.name, graceful=0, force=True, timeout=deadline.left)


def delete_with_retries(pixels: Pixels, name: PixelName, *, options: ApplyOptions, deadline: Deadline) -> None:
    """Delete a container, with retries: its dataset stays busy for a short time after a stop.

    Incus tries to unmount the dataset for 35 s before it reports an error (6.0.4).
    """
    for retries_left in reversed(range(options.delete_retries)):
        try:
            pixels.containers.delete(name, timeout=deadline.left)
        except NotFound:
            return
        except Refused:
            if not retries_left or not deadline.left:
                raise
            deadline.pause(options.delete_delay)
        else:
            return


def dependents(found: t.Iterable[Checkpoint], *, without: t.Container[str] = ()) -> tuple[str, ...]:
    """Return each clone of these checkpoints with the label that it was made from."""
    return tuple(
        f"{dataset_layout.display_name(clone)} (from {checkpoint.label})"
        for checkpoint in found
        for clone in checkpoint.clones
        if clone.rpartition("/")[2] not in without
    )


def labels_of_clones(pixels: Pixels, found: t.Iterable[Checkpoint]) -> dict[str, frozenset[str]]:
    """Return the labels of the checkpoints that each clone itself has."""
    clones = {clone for checkpoint in found for clone in checkpoint.clones}
    return {clone: frozenset(pixels.snapshots.labels(clone)) for clone in clones}


def promoted_checkpoints(found: t.Sequence[Checkpoint], labels: t.Mapping[str, frozenset[str]]) -> list[Checkpoint]:
    """Return the checkpoints that move to clones. Raises `Refused` for a clone that has one of the same label.

    As in `promote_clones`, one step per dataset: its newest checkpoint with a clone moves to the clone, with all older
    ones, and the clone then depends on what the dataset depended on.
    """
    moved: list[Checkpoint] = []
    labels_after = {clone: set(own) for clone, own in labels.items()}
    clones = {checkpoint.snapshot.id: list(checkpoint.clones) for checkpoint in found}
    depends_on = {dataset: checkpoint.snapshot.id for checkpoint in found for dataset in checkpoint.set_aside}
    depths = {checkpoint.snapshot.dataset: checkpoint.depth for checkpoint in found}
    for dataset in sorted(depths, key=lambda name: -depths[name]):
        own = [checkpoint for checkpoint in found if checkpoint.snapshot.dataset == dataset]
        cloned = [checkpoint for checkpoint in own if clones[checkpoint.snapshot.id]]
        if not cloned:
            continue
        newest = max(cloned, key=lambda checkpoint: checkpoint.snapshot.txg)
        clone = min(clones[newest.snapshot.id])
        moving = [checkpoint for checkpoint in own if checkpoint.snapshot.txg <= newest.snapshot.txg]
        conflicts = sorted({checkpoint.label for checkpoint in moving} & labels_after[clone])
        if conflicts:
            name = dataset_layout.display_name(clone)
            raise Refused(f"{name} has checkpoints of the same names: delete {', '.join(conflicts)} on one side")
        labels_after[clone].update(checkpoint.label for checkpoint in moving)
        moved += moving
        if dataset in depends_on:
            clones[depends_on[dataset]].append(clone)
    return moved


def promote_clones(pixels: Pixels, container: Container) -> None:
    """Move every checkpoint with a clone to that clone, with the older ones (`zfs promote`)."""
    with trying(f"promoting the clones of {container.name.bare} on {pixels.nas}"):
        found = checkpoints.list_checkpoints(pixels, container)
        # Checked again before the first step: a clone may have a new checkpoint of the same label since the plan.
        promoted_checkpoints(found, labels_of_clones(pixels, found))
        while cloned := [checkpoint for checkpoint in found if checkpoint.clones]:
            # The deepest first: a dataset that was set aside is itself a clone of a checkpoint of lower depth.
            deepest = max(cloned, key=lambda checkpoint: (checkpoint.depth, checkpoint.snapshot.txg))
            datasets.promote(pixels.wire, min(deepest.clones))
            found = checkpoints.list_checkpoints(pixels, container)


def datasets_in_use(found: t.Iterable[Checkpoint]) -> set[str]:
    """Return the datasets of a pixel that clones depend on, directly or through a dataset that was set aside."""
    kept: set[str] = set()
    for checkpoint in sorted(found, key=lambda checkpoint: -checkpoint.depth):
        if checkpoint.clones or kept.intersection(checkpoint.set_aside):
            kept.add(checkpoint.snapshot.dataset)
    return kept


def destroy_set_aside(pixels: Pixels, container: Container) -> None:
    """Destroy the datasets of a pixel that restores set aside, except those that clones depend on."""
    found = checkpoints.list_checkpoints(pixels, container)
    kept = datasets_in_use(found)
    depths = {dataset: checkpoint.depth for checkpoint in found for dataset in checkpoint.set_aside}
    for dataset in sorted(depths, key=lambda name: -depths[name]):
        if dataset not in kept:
            datasets.delete(pixels.wire, dataset, with_snapshots=True)


def destroy_leftovers(pixels: Pixels, dataset: str) -> None:
    """Destroy the datasets that restores of a destroyed pixel set aside, except those with clones.

    `dataset` is that of the pixel.
    """
    try:
        for each in datasets.find_by_prefix(pixels.wire, dataset_layout.set_aside_name(dataset, "")):
            # The oldest first: older ones depend on those that were set aside later.
            if not any(snapshot.clones for snapshot in pixels.snapshots.find_all(each.name)):
                datasets.delete(pixels.wire, each.name, with_snapshots=True)
    except NotPermitted:
        # Setting a dataset aside requires the same permission as reading it.
        return
