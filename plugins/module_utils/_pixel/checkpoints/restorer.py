# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore a pixel to a checkpoint. Everything that prevents it is found before the pixel is stopped.

ZFS rolls a dataset back in place, which destroys everything newer. To keep the current state, the dataset is set aside
instead, and a clone of the checkpoint replaces it; once promoted, the clone has the older checkpoints as well.

The same steps restore a checkpoint that came from another pixel, promoted when that pixel was destroyed: it contains
the identity of that pixel and the record that Incus has of it, which are replaced in the clone before it is used.
"""

from __future__ import annotations

import contextlib
import functools
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    OutcomeUnknown,
    PixelsError,
    Refused,
    TimedOut,
    Unsupported,
    may_still_happen,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import (
    checkpoints,
    dataset_layout,
    recovery,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints.checkpoints import Checkpoint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import identity
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning.rootfs import Rootfs
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import failure_report, quiesce, readiness
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import datasets
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import SnapshotId

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

UNKNOWN = (OutcomeUnknown, TimedOut)
"""After these errors, the request may have been executed, or may still be."""

RESTORE = "restore"
"""Value of `Metadata.stopped_by` for a running pixel that a restore stopped."""


@dataclass(frozen=True)
class RestoreSpec:
    """The specification of a restore."""

    label: str
    safety: bool = False
    discard_newer: bool = False
    started: bool | None = None
    """Whether the pixel runs afterwards; None keeps its state."""
    unprotect: bool = False
    """Whether the pixel is restored even if it is protected."""


@dataclass(frozen=True)
class RestorePlan:
    """The changes to make."""

    change: Change
    target: Checkpoint
    spec: RestoreSpec
    safety: str | None
    """The label of the safety checkpoint, under which the current state is set aside. None rolls the dataset back."""
    run: bool
    """Whether the pixel runs afterwards."""
    discarded: tuple[str, ...] = ()
    """Newer checkpoints that the rollback destroys."""


def plan_restore(pixels: Pixels, container: Container, spec: RestoreSpec) -> RestorePlan:
    """Read what the plan depends on, and plan. Errors here have changed nothing."""
    predates = functools.partial(predates_pixel, pixels, container)
    found = checkpoints.list_checkpoints(pixels, container)
    planned = plan(pixels, container, found, spec, predates=predates)
    if planned.safety and pixels.backend.no_swap_reason:
        problem = f"{not_restored(pixels, container, planned.target)}: {pixels.backend.no_swap_reason}"
        newest = Hint.advice("restore the newest checkpoint")
        raise Unsupported(problem).with_hints(newest, Hint.option("discard_newer", True, "to delete the newer ones"))
    with trying(f"{not_restored(pixels, container, planned.target)}, and nothing was changed"):
        pixels.snapshots.reject_protected(planned.target.snapshot.dataset)
        pixels.containers.reject_restore(planned.target.snapshot.dataset, planned.target.snapshot.txg)
        if planned.safety:
            # This read requires the permission to rename datasets: without it, the call fails before any change.
            datasets.exists(pixels.wire, dataset_layout.dataset_of(pixels, container))
    return planned


def not_restored(pixels: Pixels, container: Container, target: Checkpoint) -> str:
    """Return the beginning of an error message."""
    return f"{container.name.bare} on {pixels.nas} was not restored to {target.label}"


def plan(
    pixels: Pixels,
    container: Container,
    found: t.Sequence[Checkpoint],
    spec: RestoreSpec,
    *,
    predates: t.Callable[[Checkpoint], bool] = lambda _target: False,
) -> RestorePlan:
    """Plan a restore. Raises `NotFound` for an unknown label, and `Refused` for what prevents the restore."""
    target = checkpoints.get_checkpoint(pixels, container, found, spec.label)
    if container.metadata.protected and not spec.unprotect:
        raise Refused(f"{not_restored(pixels, container, target)}: it is protected").with_hints(
            Hint.option("force", True, "to restore it anyway")
        )
    labels = [each.label for each in found]
    # A pixel that an interrupted restore stopped counts as running.
    run = container.ran if spec.started is None else spec.started
    newer = [each for each in found if each.depth == 0 and each.snapshot.txg > target.snapshot.txg]
    # A rollback cannot reach a dataset that was set aside, and cannot replace the identity of another pixel.
    uses_clone = spec.safety or target.depth > 0 or predates(target)
    affected = [each for each in found if each.depth == 0] if uses_clone else newer
    refused = f"{not_restored(pixels, container, target)}, and nothing was changed"
    checkpoints.reject_tracked(pixels, container, affected, refused)
    safety = checkpoints.unique(checkpoints.timestamp_label("px-safety"), labels) if uses_clone else None
    discarded: tuple[str, ...] = ()
    if not safety:
        reject_newer_checkpoints(pixels, container, target, newer, discard=spec.discard_newer)
        discarded = tuple(each.label for each in newer)
    after = [label for label in labels if label not in discarded] + ([safety] if safety else [])
    change = Change(
        {"status": container.status, "checkpoints": labels},
        {"status": "running" if run else "stopped", "checkpoints": after, "restored_to": target.label},
        always=True,
    )
    return RestorePlan(change, target, spec, safety, run, discarded)


def predates_pixel(pixels: Pixels, container: Container, target: Checkpoint) -> bool:
    """Return whether a checkpoint is older than the pixel, so that it contains the identity of another one.

    ZFS records whole seconds. A checkpoint from the second in which a clone was created counts as older, too.
    """
    created = pixels.containers.created(container.name)
    if created is None:
        return container.metadata.origin is not None and not pixels.backend.no_swap_reason
    second = created.replace(microsecond=0)
    return target.snapshot.created < second or (
        container.metadata.origin is not None and target.snapshot.created == second
    )


def reject_newer_checkpoints(
    pixels: Pixels, container: Container, target: Checkpoint, newer: t.Sequence[Checkpoint], *, discard: bool
) -> None:
    """Raise `Refused` for newer checkpoints that a rollback would destroy, unless they may be discarded."""
    refused = f"{not_restored(pixels, container, target)}, and nothing was changed"
    # Hint only at what this NAS supports.
    keeping = () if pixels.backend.no_swap_reason else (Hint.option("safety", True, "to set them aside instead"),)
    held = [f"{each.label}: {reason}" for each in newer if (reason := checkpoints.deletion_blocker(each))]
    if held:
        problem = f"a rollback destroys newer checkpoints, and these cannot be destroyed: {'; '.join(held)}"
        raise Refused(f"{refused}: {problem}").with_hints(*keeping)
    if newer and not discard:
        listed = ", ".join(each.label for each in newer)
        problem = f"{refused}: a rollback destroys the newer checkpoints {listed}"
        raise Refused(problem).with_hints(Hint.option("discard_newer", True, "to delete them"), *keeping)


def restore(
    pixels: Pixels, container: Container, planned: RestorePlan, *, options: ApplyOptions, deadline: Deadline
) -> tuple[Container | None, str | None]:
    """Apply a plan, wait as `options.wait` specifies, and return the container and the label of the safety checkpoint.

    If a step fails, a container that was running is started again, and the error contains its state.
    """
    bare, safety = container.name.bare, None
    with (
        failure_report.reporting_state(pixels, container.name),
        trying(f"restoring {bare} on {pixels.nas} to {planned.target.label}"),
    ):
        recovery.recover(pixels, container)
        try:
            quiesce.stop(pixels, container, RESTORE, options=options, deadline=deadline)
            safety = restore_files(pixels, container, planned)
        except BaseException as error:
            quiesce.restore_run_state(pixels, container, error, deadline=deadline)
            if container.ran:
                # Its files may be those of the checkpoint. Where this fails, it stops the pixel.
                with contextlib.suppress(PixelsError):
                    restrict(pixels, container)
            raise
        if not planned.run:
            quiesce.record_stop(pixels, container.name, None, timeout=max(deadline.left, quiesce.RESTART_TIMEOUT_S))
            with trying(f"its files are those of {planned.target.label}, but its record in the dataset is out of date"):
                recovery.update_record(pixels, container.name, deadline=deadline)
            return pixels.containers.find(container.name), safety
        kept = f"the previous state is kept as {safety}, and " if safety else ""
        state = f"{kept}its files are those of {planned.target.label}, but it was not started"
        pixels.ssh_answers.forget(container.name)
        with trying(state), quiesce.with_start_hint(container.name):
            quiesce.start_again(pixels, container.name, timeout=max(deadline.left, quiesce.RESTART_TIMEOUT_S))
        restrict(pixels, container)
    found = readiness.wait_for(pixels, container.name, options.wait, deadline=deadline, ssh_port=options.ssh_port)
    return found, safety


def restrict(pixels: Pixels, container: Container) -> None:
    """Enforce the egress policy that the metadata of a pixel has, if any, after its files were exchanged."""
    if container.metadata.egress:
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import record

        record.enforce_recorded(pixels, container.name, is_new=True)


def restore_files(pixels: Pixels, container: Container, planned: RestorePlan) -> str | None:
    """Exchange the files of a stopped pixel, and return the label of the safety checkpoint, if any."""
    # Planned again: during the stop, other clients may have taken or deleted checkpoints.
    found = checkpoints.list_checkpoints(pixels, container)
    now = plan(pixels, container, found, planned.spec, predates=lambda _target: planned.safety is not None)
    if planned.safety:
        return restore_to_clone(pixels, container, now.target, planned.safety)
    new = [label for label in now.discarded if label not in planned.discarded]
    if new or now.safety:
        event = f"the checkpoints {', '.join(new)} were taken" if new else f"{now.target.label} was set aside"
        raise Refused(f"nothing was restored: during the stop, {event}").with_hints(
            Hint.run_again("to restore it all the same")
        )
    reject_running(pixels, container)
    for each in found:
        if each.label in now.discarded:
            checkpoints.destroy_empty(pixels, each)
    roll_back(pixels, now)
    return None


def reject_running(pixels: Pixels, container: Container) -> None:
    """Raise `Refused` for a pixel that another client started after its stop.

    ZFS exchanges the files below running processes without an error (Incus 6.0.4, OpenZFS 2.3.2).
    """
    if pixels.get(container.name).running:
        problem = f"{container.name.bare} was started while it was being restored"
        raise Refused(problem).with_hints(Hint.run_again("to restore it all the same"))


def roll_back(pixels: Pixels, planned: RestorePlan) -> None:
    """Roll the dataset back. Errors contain the state of its files."""
    try:
        pixels.snapshots.rollback(planned.target.snapshot.id, discard_newer=bool(planned.discarded))
    except UNKNOWN as error:
        error.add_prefix("it is unknown whether its files were restored")
        error.hints = (Hint.run_again("to be sure"),)
        raise
    except PixelsError as error:
        error.add_prefix("its files are unchanged")
        raise


def restore_to_clone(pixels: Pixels, container: Container, checkpoint: Checkpoint, safety: str) -> str:
    """Set the current state aside, replace it with a clone of the checkpoint, and return the label that keeps it.

    Failures are undone, except if the NAS may still promote the clone: after a rollback, a late promotion would take
    the snapshot of the image, and all pixels of that image would depend on this one. The next run completes it.
    """
    home = dataset_layout.dataset_of(pixels, container)
    target = checkpoint.snapshot
    where = dataset_layout.clone_datasets(home, container.name)
    for stale in datasets.find_by_prefix(pixels.wire, where.all_staged):
        datasets.delete(pixels.wire, stale.name)
    try:
        pixels.snapshots.clone(target.id, where.staged)
        keys = adopt(pixels, container, where)
        label = checkpoints.take(pixels, container, safety, purpose=checkpoints.SAFETY, exact=False)
    except BaseException as error:
        undo_staging(pixels, where, error)
        raise
    set_aside = dataset_layout.set_aside_name(home, label)
    renaming = renamed = promoting = False
    try:
        reject_running(pixels, container)
        renaming = True
        datasets.rename(pixels.wire, home, set_aside)
        renamed = True
        datasets.rename(pixels.wire, where.staged, home)
        promoting = True
        recovery.promote_restored(pixels, home)
    except BaseException as error:
        if promoting and (may_still_happen(error) or not isinstance(error, PixelsError)):
            report_unfinished(error, target.label, label)
            raise
        is_refused = not renamed and isinstance(error, PixelsError) and not isinstance(error, UNKNOWN)
        is_unchanged = is_refused or not renaming
        undo_swap(pixels, where, label, None if is_unchanged else set_aside, error)
        raise
    if target.dataset != home:
        delete_if_empty(pixels, target.dataset)
    alias = known_hosts.alias(container.name, pixels.nas)
    if keys:
        pixels.host_keys.forget(alias)
    for key in keys:
        pixels.host_keys.pin(alias, key.kind, key.key)
    return label


def report_unfinished(error: BaseException, target: str, kept: str) -> None:
    """Add to an error that the restore is complete except for the promotion, which the next operation repeats."""
    if isinstance(error, PixelsError):
        error.add_prefix(
            f"its files are those of {target} and the previous state is kept as {kept}, but the last step is unfinished"
        )
        error.hints = (Hint.advice("nothing is lost: the next restore, checkpoint or start of the pixel completes it"),)


def adopt(pixels: Pixels, container: Container, where: dataset_layout.CloneDatasets) -> list[identity.PublicKey]:
    """Give a staged clone the record of the pixel; if it came from another pixel, its identity too.

    Returns the new host keys, if any.
    """
    before = pixels.containers.adopt(where.mounted, container.name)
    if before == container.name:
        return []
    return identity.regenerate(Rootfs(pixels, container.name, f"{where.mounted}/rootfs"), container.name)


def undo_staging(pixels: Pixels, where: dataset_layout.CloneDatasets, error: BaseException) -> None:
    """Delete a staged clone, and add the state to the error."""
    state = "its files are unchanged"
    try:
        datasets.delete(pixels.wire, where.staged)
    except PixelsError as another:
        state += f", but {where.staged} remains, which the next restore deletes ({another.message})"
    if isinstance(error, PixelsError):
        error.add_prefix(state)


def undo_swap(
    pixels: Pixels, where: dataset_layout.CloneDatasets, label: str, set_aside: str | None, error: BaseException
) -> None:
    """Undo an exchange of datasets, and add the state to the error.

    `label` is the safety checkpoint; without `set_aside`, the dataset was not renamed. A clone that inherited
    checkpoints cannot be deleted: `recovery` completes what cannot be undone.
    """
    home, kept = where.target, str(SnapshotId(where.target, label))
    state = "its files are unchanged"
    try:
        datasets.delete(pixels.wire, where.staged)
        if set_aside is None:
            pixels.snapshots.delete(kept)
        elif datasets.exists(pixels.wire, set_aside):
            datasets.delete(pixels.wire, home)
            datasets.rename(pixels.wire, set_aside, home)
            pixels.snapshots.delete(kept)
        else:
            # The NAS may still execute the rename: `dataset_layout.missing` recognizes the dataset by this checkpoint.
            state += f", and also kept as {label}"
    except PixelsError as another:
        if set_aside is None:
            state += f", and also kept as {label}, which could not be deleted ({another.message})"
        else:
            state = (
                "it is unknown whether its files were restored or are set aside, but nothing is lost: the next "
                f"restore, checkpoint or start of the pixel completes it ({another.message})"
            )
    if isinstance(error, PixelsError):
        error.add_prefix(state)


def delete_if_empty(pixels: Pixels, dataset: str) -> None:
    """Delete a dataset that was set aside, if it has no checkpoints left."""
    try:
        if not pixels.snapshots.labels(dataset):
            datasets.delete(pixels.wire, dataset)
    except PixelsError:
        # The restore is complete. Deleting the checkpoint that the dataset depends on deletes it as well.
        return
