# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting a pixel back to a checkpoint: what stands in the way is found before anything is stopped.

ZFS rolls back in place, and that destroys all that is newer. Where the present state has to stay, the dataset is set
aside instead, and a clone of the checkpoint takes its place; promoting it gives it the older checkpoints as well.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    OutcomeUnknown,
    PixelsError,
    Refused,
    TimedOut,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import (
    checkpoints,
    mending,
    names,
    quiescing,
    readiness,
    whereabouts,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import Checkpoint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.trying import trying
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import datasets

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import Patience
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

UNKNOWN = (OutcomeUnknown, TimedOut)
"""After these, what was asked for may be done or still come."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for."""

    label: str
    safety: bool = False
    discard_newer: bool = False
    started: bool | None = None
    """None is as it was."""


@dataclass(frozen=True)
class Plan:
    """What is to be done, and how a diff shows it."""

    change: Change
    target: Checkpoint
    wanted: Wanted
    safety: str | None
    """The label the present state gets; it is set aside under it. None: the dataset is rolled back."""
    run: bool
    """Whether it is to run afterwards."""
    discarded: tuple[str, ...] = ()
    """The newer checkpoints that go."""


def find_way(pixels: Pixels, container: Container, wanted: Wanted) -> Plan:
    """Look at all that the plan depends on, and plan; what fails here has changed nothing."""
    planned = plan(pixels, container, checkpoints.of(pixels, container), wanted)
    if planned.safety and pixels.backend.fixed:
        raise Unsupported(f"{not_restored(pixels, container, planned.target)}: {pixels.backend.fixed}")
    with trying(f"{not_restored(pixels, container, planned.target)}, and nothing was done"):
        pixels.containers.refuse_to_restore(planned.target.snapshot.dataset, planned.target.snapshot.txg)
    if planned.safety:
        with trying(f"{not_restored(pixels, container, planned.target)}, and nothing was done"):
            # Asked in a way that takes the right to change places, which nobody should find missing half way.
            datasets.exists(pixels.wire, whereabouts.dataset_of(pixels, container))
    return planned


def not_restored(pixels: Pixels, container: Container, target: Checkpoint) -> str:
    return f"{names.bare_name(container.name)} on {pixels.nas} was not restored to {target.label}"


def plan(pixels: Pixels, container: Container, found: t.Sequence[Checkpoint], wanted: Wanted) -> Plan:
    """Find the way back. Raises C(NotFound), and C(Refused) for what is in the way, before anything is done."""
    target = checkpoints.pick(pixels, container, found, wanted.label)
    labels = [each.label for each in found]
    run = container.running if wanted.started is None else wanted.started
    newer = [each for each in found if each.depth == 0 and each.snapshot.txg > target.snapshot.txg]
    # A state that was set aside cannot be reached by rolling back, only by changing places.
    branching = wanted.safety or target.depth > 0
    safety = checkpoints.unique(checkpoints.label_now("px-safety"), labels) if branching else None
    discarded: tuple[str, ...] = ()
    if not safety:
        refuse_what_is_in_the_way(pixels, container, target, newer, discard=wanted.discard_newer)
        discarded = tuple(each.label for each in newer)
    after = [label for label in labels if label not in discarded] + ([safety] if safety else [])
    change = Change(
        {"status": container.status, "checkpoints": labels},
        {"status": "running" if run else "stopped", "checkpoints": after, "restored_to": target.label},
        always=True,
    )
    return Plan(change, target, wanted, safety, run, discarded)


def refuse_what_is_in_the_way(
    pixels: Pixels, container: Container, target: Checkpoint, newer: t.Sequence[Checkpoint], *, discard: bool
) -> None:
    refused = f"{not_restored(pixels, container, target)}, and nothing was done"
    # Not advised where it would be refused.
    keeping = () if pixels.backend.fixed else ("safety: true sets them aside instead",)
    held = [f"{each.label}: {reason}" for each in newer if (reason := checkpoints.why_it_stays(each))]
    if held:
        found = f"rolling back destroys what is newer, and these checkpoints cannot go: {'; '.join(held)}"
        raise Refused(f"{refused}: {'. '.join((found, *keeping))}")
    if newer and not discard:
        listed = ", ".join(each.label for each in newer)
        ways = ", ".join(("discard_newer: true gives them up", *keeping))
        raise Refused(f"{refused}: rolling back destroys the newer checkpoints {listed}. {ways}")


def restore(
    pixels: Pixels, container: Container, planned: Plan, *, patience: Patience, deadline: Deadline
) -> tuple[Container | None, str | None]:
    """Do it, wait as asked, and return the container with the label its state before was kept under, if it was.

    When a step fails, the container runs again if it did, and the error says how things are.
    """
    bare, safety = names.bare_name(container.name), None
    with trying(f"restoring {bare} on {pixels.nas} to {planned.target.label}"):
        mending.mend(pixels, container)
        try:
            quiescing.stop(pixels, container, patience=patience, deadline=deadline)
            safety = go_back(pixels, container, planned)
        except BaseException as error:
            quiescing.bring_back(pixels, container, error, deadline=deadline)
            raise
        if not planned.run:
            return pixels.containers.find(container.name), safety
        try:
            pixels.containers.start(container.name, timeout=deadline.left)
        except PixelsError as error:
            told = f"its files are those of {planned.target.label}, but it was not started: {error}"
            error.args = (told, *error.args[1:])
            # One that ran before and starts at the second try is as it should be.
            if not (quiescing.bring_back(pixels, container, error, deadline=deadline) and container.running):
                raise
    found = readiness.wait_for(pixels, container.name, patience.wait, deadline=deadline, ssh_port=patience.ssh_port)
    return found, safety


def go_back(pixels: Pixels, container: Container, planned: Plan) -> str | None:
    """Exchange the files of a stopped pixel; returns the label that those of now are kept under, if they are."""
    # A stop takes its time, and somebody may have saved a state meanwhile, or deleted one.
    found = checkpoints.of(pixels, container)
    now = plan(pixels, container, found, planned.wanted)
    if planned.safety:
        return branch(pixels, container, now.target, planned.safety)
    new = [label for label in now.discarded if label not in planned.discarded]
    if new or now.safety:
        what = f"the checkpoints {', '.join(new)} were taken" if new else f"{now.target.label} was set aside"
        raise Refused(f"nothing was put back, for while it was stopped {what}: run this again if that may be")
    for each in found:
        if each.label in now.discarded:
            checkpoints.drop_emptied(pixels, each)
    roll_back(pixels, now)
    return None


def roll_back(pixels: Pixels, planned: Plan) -> None:
    try:
        pixels.snapshots.rollback(planned.target.snapshot.id, discard_newer=bool(planned.discarded))
    except UNKNOWN as error:
        told = f"whether its files were put back is not known, run this again to be sure: {error}"
        error.args = (told, *error.args[1:])
        raise
    except PixelsError as error:
        error.args = (f"its files are as they were: {error}", *error.args[1:])
        raise


def branch(pixels: Pixels, container: Container, checkpoint: Checkpoint, safety: str) -> str:
    """Set the present state aside and put a clone of the checkpoint in its place; any failure is undone.

    Returns the label the state is kept under.
    """
    home = whereabouts.dataset_of(pixels, container)
    label = checkpoints.take(pixels, container, safety, purpose=checkpoints.SAFETY, exact=False)
    aside = whereabouts.set_aside_as(home, label)
    target = checkpoint.snapshot
    source = f"{aside}@{target.label}" if target.dataset == home else target.id
    begun = False
    try:
        datasets.rename(pixels.wire, home, aside)
        begun = True
        pixels.snapshots.clone(source, home)
        mending.take_over(pixels, home)
    except BaseException as error:
        certain = not begun and isinstance(error, PixelsError) and not isinstance(error, UNKNOWN)
        undo(pixels, f"{home}@{label}", None if certain else aside, error)
        raise
    if target.dataset != home:
        drop_if_empty(pixels, target.dataset)
    return label


def undo(pixels: Pixels, kept: str, aside: str | None, error: BaseException) -> None:
    """Take a change of places back, however far it came, and say in the error how things are.

    C(kept) is the checkpoint that was taken before; without C(aside) nothing else has happened. A clone that took
    anything over is not destroyed by this: C(mending) finishes what cannot be taken back.
    """
    home, _at, label = kept.partition("@")
    told = "its files are as they were"
    try:
        if aside is None:
            pixels.snapshots.delete(kept)
        elif datasets.exists(pixels.wire, aside):
            datasets.delete(pixels.wire, home)
            datasets.rename(pixels.wire, aside, home)
            pixels.snapshots.delete(kept)
        else:
            # It may still be set aside by what the NAS was told last: the checkpoint is what that is found by.
            told += f", and kept as {label} as well"
    except PixelsError as another:
        if aside is None:
            told += f", and kept as {label} as well, which could not be deleted ({another})"
        else:
            told = (
                "whether its files were put back or are set aside is not known, and nothing is lost: the next restore, "
                f"checkpoint or start of it finishes what was begun ({another})"
            )
    if isinstance(error, PixelsError):
        error.args = (f"{told}: {error}", *error.args[1:])


def drop_if_empty(pixels: Pixels, dataset: str) -> None:
    """Delete what was set aside once all of it is at home again."""
    try:
        if not pixels.snapshots.labels(dataset):
            datasets.delete(pixels.wire, dataset)
    except PixelsError:
        # The restore is done. What is empty goes with the checkpoint it depends on.
        return
