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
    NotPermitted,
    OutcomeUnknown,
    PixelsError,
    Refused,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import checkpoints, names, quiescing, readiness
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import Checkpoint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.trying import trying
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import datasets

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import Patience
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container


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
    safety: str | None
    """The label the present state gets; it is set aside under it. None: the dataset is rolled back."""
    run: bool
    """Whether it is to run afterwards."""
    discarded: tuple[str, ...] = ()
    """The newer checkpoints that go."""


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
    return Plan(change, target, safety, run, discarded)


def refuse_what_is_in_the_way(
    pixels: Pixels, container: Container, target: Checkpoint, newer: t.Sequence[Checkpoint], *, discard: bool
) -> None:
    bare = names.bare_name(container.name)
    refused = f"{bare} on {pixels.nas} was not restored to {target.label}, and nothing was done"
    keeping = "safety: true sets them aside instead"
    held = [f"{each.label}: {reason}" for each in newer if (reason := checkpoints.why_it_stays(each))]
    if held:
        raise Refused(
            f"{refused}: rolling back destroys what is newer, and these checkpoints cannot go: "
            f"{'; '.join(held)}. {keeping}"
        )
    if newer and not discard:
        listed = ", ".join(each.label for each in newer)
        raise Refused(
            f"{refused}: rolling back destroys the newer checkpoints {listed}. "
            f"discard_newer: true gives them up, {keeping}"
        )


def mend(pixels: Pixels, container: Container) -> bool:
    """For a pixel that shows no checkpoints: finish a change of places whose controller died; whether there was one."""
    home = checkpoints.dataset_of(pixels, container)
    try:
        left = datasets.starting_with(pixels.wire, checkpoints.set_aside_as(home, ""))
        if not left:
            return False
        with trying(f"bringing back what a restore of {names.bare_name(container.name)} left half done"):
            if datasets.exists(pixels.wire, home):
                datasets.promote(pixels.wire, home)
            else:
                datasets.rename(pixels.wire, left[-1], home)
    except NotPermitted:
        # Who may not look could not have left it either.
        return False
    return True


def restore(
    pixels: Pixels, container: Container, planned: Plan, *, patience: Patience, deadline: Deadline
) -> tuple[Container | None, str | None]:
    """Do it, wait as asked, and return the container with the label its state before was kept under, if it was.

    When a step fails, the container runs again if it did, and the error says how things are.
    """
    bare, safety = names.bare_name(container.name), None
    with trying(f"restoring {bare} on {pixels.nas} to {planned.target.label}"):
        try:
            quiescing.stop(pixels, container, patience=patience, deadline=deadline)
            if planned.safety:
                safety = branch(pixels, container, planned.target, planned.safety)
            else:
                roll_back(pixels, planned)
        except PixelsError as error:
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


def roll_back(pixels: Pixels, planned: Plan) -> None:
    try:
        pixels.snapshots.rollback(planned.target.snapshot.id, discard_newer=bool(planned.discarded))
    except OutcomeUnknown as error:
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
    home = checkpoints.dataset_of(pixels, container)
    label = checkpoints.take(pixels, container, safety, purpose=checkpoints.SAFETY, exact=False)
    aside = checkpoints.set_aside_as(home, label)
    target = checkpoint.snapshot
    source = f"{aside}@{target.label}" if target.dataset == home else target.id
    try:
        datasets.rename(pixels.wire, home, aside)
        pixels.snapshots.clone(source, home)
        take_over(pixels, home, target.label, checkpoint.depth)
    except PixelsError as error:
        try:
            bring_back(pixels, home, aside, label)
        except PixelsError as another:
            told = f"{error}. Its files are in the dataset {aside}, which could not be brought back: {another}"
            error.args = (told, *error.args[1:])
        else:
            error.args = (f"its files are as they were: {error}", *error.args[1:])
        raise
    if target.dataset != home and not pixels.snapshots.labels(target.dataset):
        # All that was set aside there is at home again.
        datasets.delete(pixels.wire, target.dataset)
    return label


def take_over(pixels: Pixels, home: str, label: str, depth: int) -> None:
    """Give the clone the history of the checkpoint it was made from: one dataset after the other, as far as ours go."""
    for step in range(depth + 1):
        try:
            datasets.promote(pixels.wire, home)
        except OutcomeUnknown:
            if step or pixels.snapshots.find(home, label) is None:
                raise


def bring_back(pixels: Pixels, home: str, aside: str, label: str) -> None:
    """Undo a change of places, however far it came; a clone that took anything over is not destroyed by this."""
    if datasets.exists(pixels.wire, aside):
        datasets.delete(pixels.wire, home)
        datasets.rename(pixels.wire, aside, home)
    pixels.snapshots.delete(f"{home}@{label}")
