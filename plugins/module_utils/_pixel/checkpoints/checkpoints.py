# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List, take, prune and delete the checkpoints of a pixel.

A checkpoint is a ZFS snapshot of the dataset of the container. A restore with `safety` sets the current state aside as
a separate dataset, with all newer checkpoints; they still belong to the pixel, and are listed with the others.
"""

from __future__ import annotations

import datetime
import re
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    AlreadyExists,
    Invalid,
    NotFound,
    OutcomeUnknown,
    Refused,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import dataset_layout, recovery
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import datasets
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import Snapshot

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints.dataset_layout import (
        InterruptedRestore,
    )
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

# ZFS properties that distinguish checkpoints of this collection from other snapshots.
MADE_BY = "org.pixels:made_by"
COLLECTION = "pixels.truenas"
PURPOSE = "org.pixels:purpose"
CHECKPOINT, SAFETY, CLONE = "checkpoint", "safety", "clone"

CLONE_ORIGIN = "px-clone-"
"""Prefix of the labels of snapshots from which clones of the current state are made."""

# Snapshot names that ZFS and the middleware accept, without blanks.
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")
MAX_NAME_LENGTH = 255

MAX_LABEL_ATTEMPTS = 20
"""Attempts to find a free label if other clients take checkpoints at the same time."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint of a pixel."""

    snapshot: Snapshot
    depth: int = 0
    """0 in the dataset of the pixel, 1 in one that was set aside and depends on it, 2 in one that depends on that."""
    clones: tuple[str, ...] = ()
    """Datasets cloned from it, except those that a restore set aside."""
    set_aside: tuple[str, ...] = ()
    """Datasets that depend on it and that a restore set aside."""
    empty: tuple[str, ...] = ()
    """Those of them without checkpoints, and staged datasets of an interrupted restore. None of them is needed."""

    @property
    def label(self) -> str:
        """The name of the snapshot."""
        return self.snapshot.label

    @property
    def is_managed(self) -> bool:
        """Whether this collection took it."""
        return self.snapshot.properties.get(MADE_BY) == COLLECTION

    @property
    def purpose(self) -> str | None:
        """`checkpoint`, `safety` or `clone`; None if another program took it."""
        return self.snapshot.properties.get(PURPOSE, CHECKPOINT) if self.is_managed else None


def list_checkpoints(pixels: Pixels, container: Container) -> list[Checkpoint]:
    """Return all checkpoints of a pixel, oldest first.

    After an interrupted restore, they are returned as they will be once it is completed.
    """
    dataset = dataset_layout.dataset_of(pixels, container)
    with trying(f"listing the checkpoints of {container.name.bare} on {pixels.nas}"):
        interrupted = dataset_layout.find_interrupted_restore(pixels, container)
        if interrupted is None:
            found = list_dataset(pixels, dataset, dataset, 0)
        elif interrupted.missing:
            found = list_dataset(pixels, dataset, interrupted.root, 0)
        else:
            inherited = list_dataset(pixels, dataset, interrupted.root, 1)
            found = list_dataset(pixels, dataset, dataset, 0) + as_recovered(interrupted, inherited)
    return sorted(found, key=lambda checkpoint: checkpoint.snapshot.txg)


def list_dataset(pixels: Pixels, pixel_dataset: str, dataset: str, depth: int) -> list[Checkpoint]:
    """Return the checkpoints in a dataset of a pixel, and in datasets that were set aside and depend on them."""
    found = []
    for snapshot in pixels.snapshots.find_all(dataset):
        set_aside = {
            name: list_dataset(pixels, pixel_dataset, name, depth + 1)
            for name in snapshot.clones
            if dataset_layout.is_set_aside(pixel_dataset, name)
        }
        others = [name for name in snapshot.clones if name != pixel_dataset and name not in set_aside]
        staged = tuple(name for name in others if dataset_layout.is_staged(pixel_dataset, name))
        clones = tuple(name for name in others if name not in staged)
        empty = (*(name for name, checkpoints in set_aside.items() if not checkpoints), *staged)
        found.append(Checkpoint(snapshot, depth, clones, tuple(set_aside), empty))
        found += [checkpoint for checkpoints in set_aside.values() for checkpoint in checkpoints]
    return found


def as_recovered(interrupted: InterruptedRestore, found: t.Sequence[Checkpoint]) -> list[Checkpoint]:
    """Return checkpoints as they are once the clone is promoted: inherited and older ones are in its dataset then."""
    until = {
        checkpoint.snapshot.dataset: checkpoint.snapshot.txg
        for checkpoint in found
        if checkpoint.snapshot.id in interrupted.inherited
    }
    recovered = []
    for checkpoint in found:
        dataset = checkpoint.snapshot.dataset
        if checkpoint.snapshot.id in interrupted.inherited:
            set_aside = tuple(name for name in checkpoint.set_aside if name not in until)
            recovered.append(replace(checkpoint, depth=0, set_aside=(*set_aside, dataset)))
        else:
            is_older = checkpoint.snapshot.txg < until.get(dataset, 0)
            recovered.append(replace(checkpoint, depth=0 if is_older else checkpoint.depth))
    return recovered


def get_checkpoint(pixels: Pixels, container: Container, found: t.Sequence[Checkpoint], label: str) -> Checkpoint:
    """Return the checkpoint with a label. Raises `NotFound` with the existing labels."""
    for checkpoint in found:
        if checkpoint.label == label:
            return checkpoint
    existing = ", ".join(checkpoint.label for checkpoint in found) or "none at all"
    raise NotFound(f"{container.name.bare} on {pixels.nas} has no checkpoint {label}; it has {existing}")


def check_label(label: str, dataset: str = "") -> str:
    """Return a label. Raises `Invalid` for one that ZFS rejects."""
    if not LABEL.fullmatch(label):
        problem = "use letters, digits, '_', '.', ':' and '-', with a letter or digit first"
    elif len(f"{dataset}@{label}") > MAX_NAME_LENGTH:
        problem = f"with the name of the dataset, it is longer than {MAX_NAME_LENGTH} characters"
    else:
        return label
    raise Invalid.in_field("label", f"invalid checkpoint label {label!r}", problem)


def timestamp_label(prefix: str = "px", now: datetime.datetime | None = None) -> str:
    """Return a label such as `px-20260131-235959`, in UTC: local time repeats an hour each autumn."""
    moment = now or datetime.datetime.now(datetime.UTC)
    return f"{prefix}-{moment:%Y%m%d-%H%M%S}"


def unique(label: str, taken: t.Container[str]) -> str:
    """Return the label, with a number appended if it is taken."""
    if label not in taken:
        return label
    return next(name for name in (f"{label}-{number}" for number in range(2, 10_000)) if name not in taken)


def is_tracked(pixels: Pixels, label: str) -> bool:
    """Return whether the NAS tracks snapshots of that name as its own."""
    prefix = pixels.backend.tracked_snapshots
    return prefix is not None and label.startswith(prefix)


def reject_tracked(pixels: Pixels, container: Container, found: t.Iterable[Checkpoint], refused: str) -> None:
    """Raise `Refused` for snapshots of Incus itself that would be destroyed or moved behind its back.

    `refused` is the beginning of the message.
    """
    tracked = [each.label for each in found if is_tracked(pixels, each.label) and not each.is_managed]
    if tracked:
        prefix = pixels.backend.tracked_snapshots or ""
        commands = "; ".join(f"incus snapshot delete {container.name} {each.removeprefix(prefix)}" for each in tracked)
        raise Refused(
            f"{refused}: Incus tracks its own snapshots {', '.join(tracked)}, and registers no container of the pool "
            f"at its next setup if they are missing. Delete them first, as root in the shell of the NAS: {commands}"
        )


@dataclass(frozen=True)
class CheckpointSpec:
    """The specification of the checkpoints of a pixel."""

    state: str = "present"
    """`present` or `absent`."""
    label: str | None = None
    """None takes a new checkpoint, named after the current time."""
    keep: int | None = None
    """Number of checkpoints of this collection to keep, newest first. None keeps all."""


@dataclass(frozen=True)
class CheckpointPlan:
    """The changes to make."""

    change: Change
    label: str | None
    """The label to take or to delete; None for neither."""
    pruned: tuple[Checkpoint, ...] = ()
    to_delete: tuple[Checkpoint, ...] = ()


def plan(pixels: Pixels, container: Container, found: t.Sequence[Checkpoint], spec: CheckpointSpec) -> CheckpointPlan:
    """Compare. Raises `Invalid` for an invalid label, and `Refused` for a checkpoint that cannot be deleted."""
    if spec.keep is not None and spec.keep < 1:
        raise Invalid("keep must be at least 1", fields=(("keep", "less than 1"),))
    labels = [each.label for each in found]
    if spec.state == "absent":
        to_delete = [each for each in found if each.label == spec.label]
        for each in to_delete:
            reject_delete(pixels, container, each)
        after = [label for label in labels if label != spec.label]
        return CheckpointPlan(difference(labels, after), spec.label, to_delete=tuple(to_delete))
    dataset = dataset_layout.dataset_of(pixels, container)
    label = check_label(spec.label, dataset) if spec.label else unique(timestamp_label(), labels)
    is_new = label not in labels
    if is_new and is_tracked(pixels, label):
        problem = f"Incus tracks snapshots whose names begin with {pixels.backend.tracked_snapshots} as its own"
        raise Invalid.in_field("label", f"invalid checkpoint label {label!r}", problem)
    pruned = select_prunable(found, spec.keep, is_new=is_new, label=label)
    removed = {each.label for each in pruned}
    after = [each for each in [*labels, *([label] if is_new else [])] if each not in removed]
    return CheckpointPlan(with_run_state(difference(labels, after), container), label if is_new else None, pruned)


def reject_protected(pixels: Pixels, container: Container, planned: CheckpointPlan) -> None:
    """Raise `Unsupported` before a pixel is stopped for it, if this release protects containers from snapshots."""
    before, after = (each or {} for each in (planned.change.before, planned.change.after))
    if before["checkpoints"] != after["checkpoints"]:
        with trying(f"changing the checkpoints of {container.name.bare} on {pixels.nas}"):
            pixels.snapshots.reject_protected(dataset_layout.dataset_of(pixels, container))


def difference(before: list[str], after: list[str]) -> Change:
    """Return a change of labels."""
    return Change({"checkpoints": before}, {"checkpoints": after})


def with_run_state(change: Change, container: Container) -> Change:
    """Add that a pixel runs again that an earlier, interrupted checkpoint stopped."""
    if container.metadata.stopped_by != CHECKPOINT:
        return change
    before = {**(change.before or {}), "status": container.status, "stopped_by": CHECKPOINT}
    return Change(before, {**(change.after or {}), "status": "running"})


def select_prunable(
    found: t.Sequence[Checkpoint], keep: int | None, *, is_new: bool, label: str
) -> tuple[Checkpoint, ...]:
    """Return the oldest checkpoints beyond `keep`, without those that have clones or holds.

    Only those of this collection count, and none that was taken for a clone. `is_new` adds the one to take, `label`.
    """
    if keep is None:
        return ()
    managed = [each for each in found if each.is_managed and each.purpose != CLONE]
    old = managed[: max(0, len(managed) - (keep - 1 if is_new else keep))]
    return tuple(each for each in old if each.label != label and not deletion_blocker(each))


def deletion_blocker(checkpoint: Checkpoint) -> str | None:
    """Return why ZFS cannot delete a checkpoint; None if it can."""
    if checkpoint.clones:
        clones = ", ".join(map(dataset_layout.display_name, checkpoint.clones))
        return f"these were cloned from it: {clones}"
    set_aside = [dataset for dataset in checkpoint.set_aside if dataset not in checkpoint.empty]
    if set_aside:
        kept = ", ".join(dataset.rpartition("/")[2].partition(".")[2] for dataset in set_aside)
        return f"states that a restore set aside depend on it, with the checkpoints {kept}: delete those first"
    if checkpoint.snapshot.holds:
        return f"it is held ({', '.join(checkpoint.snapshot.holds)}): release it in the TrueNAS web interface"
    return None


def reject_delete(pixels: Pixels, container: Container, checkpoint: Checkpoint) -> None:
    """Raise `Refused` for a checkpoint that ZFS cannot delete."""
    reason = deletion_blocker(checkpoint)
    if reason:
        bare = container.name.bare
        raise Refused(f"checkpoint {checkpoint.label} of {bare} on {pixels.nas} cannot be deleted: {reason}")


def apply(pixels: Pixels, container: Container, planned: CheckpointPlan, spec: CheckpointSpec) -> str | None:
    """Apply a plan, and return the label that was taken or deleted."""
    if recovery.recover(pixels, container):
        # The recovery renamed datasets, which the identifiers in the plan contain.
        planned = replace(plan(pixels, container, list_checkpoints(pixels, container), spec), label=planned.label)
    label = planned.label
    if spec.state == "absent":
        for each in planned.to_delete:
            delete(pixels, container, each)
        return label
    if label is not None:
        label = take(pixels, container, label, exact=spec.label is not None)
    for each in planned.pruned:
        delete(pixels, container, each)
    return label


def take(pixels: Pixels, container: Container, label: str, *, purpose: str = CHECKPOINT, exact: bool = True) -> str:
    """Take a checkpoint, and return its label. With `exact=False`, the label gets a number if it is taken meanwhile."""
    dataset = dataset_layout.dataset_of(pixels, container)
    tried: list[str] = []
    with trying(f"taking checkpoint {label} of {container.name.bare} on {pixels.nas}"):
        while True:
            name = unique(label, tried)
            try:
                pixels.snapshots.take(dataset, name, {MADE_BY: COLLECTION, PURPOSE: purpose})
            except AlreadyExists:
                tried.append(name)
                if exact or len(tried) > MAX_LABEL_ATTEMPTS:
                    raise
            except OutcomeUnknown:
                # The label was free before, so a snapshot of this collection with it is the requested one.
                taken = pixels.snapshots.find(dataset, name)
                if taken is None or taken.properties.get(MADE_BY) != COLLECTION:
                    raise
                return name
            else:
                return name


def delete(pixels: Pixels, container: Container, checkpoint: Checkpoint) -> None:
    """Delete a checkpoint. A dataset that was set aside is destroyed with its last checkpoint."""
    dataset = checkpoint.snapshot.dataset
    with trying(f"deleting checkpoint {checkpoint.label} of {container.name.bare} on {pixels.nas}"):
        destroy_empty(pixels, checkpoint)
        last = checkpoint.depth > 0 and pixels.snapshots.labels(dataset) == [checkpoint.label]
        if last:
            # This read requires the permission to delete the dataset: without it, the call fails before any change.
            datasets.exists(pixels.wire, dataset)
        try:
            pixels.snapshots.delete(checkpoint.snapshot.id)
        except NotFound:
            # Another client deleted it.
            pass
        except OutcomeUnknown:
            if pixels.snapshots.find(dataset, checkpoint.label):
                raise
        if last:
            datasets.delete(pixels.wire, dataset)


def destroy_empty(pixels: Pixels, checkpoint: Checkpoint) -> None:
    """Delete the datasets without checkpoints that depend on a checkpoint."""
    for dataset in checkpoint.empty:
        datasets.delete(pixels.wire, dataset)
