# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkpoints of a pixel: which there are, what stands in the way of changing them, taking and deleting them.

A checkpoint is a ZFS snapshot of the container's dataset. A restore with C(safety) sets the state it replaces aside as
a dataset of its own, with the checkpoints that are newer; those are the pixel's, too, and listed with the others.
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
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import mending, names, whereabouts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.trying import trying
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import datasets
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import Snapshot

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.whereabouts import Halfway
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

# How ours are told from those of the NAS's own tasks and of people.
MADE_BY = "org.pixels:made_by"
US = "pixels.truenas"
PURPOSE = "org.pixels:purpose"
CHECKPOINT, SAFETY, CLONE = "checkpoint", "safety", "clone"

CLONE_ORIGIN = "px-clone-"

# What ZFS and the middleware take for the name of a snapshot, less the blanks they also allow.
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")
LONGEST = 255

TRIES = 20
"""How often a label that somebody else takes at the same moment is given another number."""


@dataclass(frozen=True)
class Checkpoint:
    """A snapshot as one of a pixel's."""

    snapshot: Snapshot
    depth: int = 0
    """0 in the dataset the pixel lives in; 1 in one set aside that depends on that, 2 in one that depends on such."""
    clones: tuple[str, ...] = ()
    """Datasets made from it, without those that were set aside by a restore."""
    asides: tuple[str, ...] = ()
    """Those that were."""
    emptied: tuple[str, ...] = ()
    """Those of them that have no checkpoints any more, and keep nothing."""

    @property
    def label(self) -> str:
        return self.snapshot.label

    @property
    def ours(self) -> bool:
        return self.snapshot.properties.get(MADE_BY) == US

    @property
    def purpose(self) -> str | None:
        """C(checkpoint), C(safety) or C(clone) where we made it."""
        return self.snapshot.properties.get(PURPOSE, CHECKPOINT) if self.ours else None


# where they are


def of(pixels: Pixels, container: Container) -> list[Checkpoint]:
    """All checkpoints of a pixel, oldest first; of one that a restore left halfway as they are once it is mended."""
    home = whereabouts.dataset_of(pixels, container)
    with trying(f"looking at the checkpoints of {names.bare_name(container.name)} on {pixels.nas}"):
        halfway = whereabouts.halfway(pixels, container)
        if halfway is None:
            found = below(pixels, home, home, 0)
        elif halfway.missing:
            found = below(pixels, home, halfway.root, 0)
        else:
            found = below(pixels, home, home, 0) + taken_over(halfway, below(pixels, home, halfway.root, 1))
    return sorted(found, key=lambda each: each.snapshot.txg)


def below(pixels: Pixels, home: str, dataset: str, depth: int) -> list[Checkpoint]:
    """The checkpoints in one dataset, and in those set aside that depend on them."""
    found = []
    for snapshot in pixels.snapshots.of(dataset):
        clones = tuple(name for name in snapshot.clones if name != home and not whereabouts.is_aside(home, name))
        asides = {
            name: below(pixels, home, name, depth + 1) for name in snapshot.clones if whereabouts.is_aside(home, name)
        }
        emptied = tuple(name for name, its in asides.items() if not its)
        found.append(Checkpoint(snapshot, depth, clones, tuple(asides), emptied))
        found += [each for its in asides.values() for each in its]
    return found


def taken_over(halfway: Halfway, found: t.Sequence[Checkpoint]) -> list[Checkpoint]:
    """What a clone at home has yet to take over, as if it had: that, and what is older, is at home then."""
    until = {each.snapshot.dataset: each.snapshot.txg for each in found if each.snapshot.id in halfway.inherited}
    after = []
    for each in found:
        if each.snapshot.id in halfway.inherited:
            asides = tuple(name for name in each.asides if name not in until)
            after.append(replace(each, depth=0, asides=(*asides, each.snapshot.dataset)))
        else:
            at_home = each.snapshot.txg < until.get(each.snapshot.dataset, 0)
            after.append(replace(each, depth=0 if at_home else each.depth))
    return after


def pick(pixels: Pixels, container: Container, found: t.Sequence[Checkpoint], label: str) -> Checkpoint:
    """The checkpoint of that label. Raises C(NotFound) with those there are."""
    for each in found:
        if each.label == label:
            return each
    there = ", ".join(each.label for each in found) or "none at all"
    bare = names.bare_name(container.name)
    raise NotFound(f"{bare} on {pixels.nas} has no checkpoint {label}; it has {there}")


# labels


def check_label(label: str, dataset: str = "") -> str:
    """Raises C(Invalid) for a label ZFS would refuse."""
    if not LABEL.fullmatch(label):
        problem = "letters, digits and the characters _ . : - only, and a letter or digit first"
    elif len(f"{dataset}@{label}") > LONGEST:
        problem = f"with the name of its dataset it is longer than {LONGEST} characters"
    else:
        return label
    raise Invalid(f"{label!r} cannot be the label of a checkpoint: {problem}", fields=(("label", problem),))


def label_now(prefix: str = "px", now: datetime.datetime | None = None) -> str:
    """C(px-20260131-235959), in UTC: local time would repeat an hour each autumn."""
    moment = now or datetime.datetime.now(datetime.UTC)
    return f"{prefix}-{moment:%Y%m%d-%H%M%S}"


def unique(label: str, taken: t.Container[str]) -> str:
    """The label, with a number where it is taken."""
    if label not in taken:
        return label
    return next(name for name in (f"{label}-{number}" for number in range(2, 10_000)) if name not in taken)


# taking and deleting


@dataclass(frozen=True)
class Wanted:
    """What is asked of the checkpoints of one pixel."""

    state: str = "present"
    """C(present) or C(absent)."""
    label: str | None = None
    """None is a new one, named after the time."""
    keep: int | None = None
    """How many of ours may stay, the newest of them; None is all."""


@dataclass(frozen=True)
class Plan:
    """What is to be done, and how a diff shows it."""

    change: Change
    label: str | None
    """The one to take or to delete; None is none."""
    pruned: tuple[Checkpoint, ...] = ()
    doomed: tuple[Checkpoint, ...] = ()


def plan(pixels: Pixels, container: Container, found: t.Sequence[Checkpoint], wanted: Wanted) -> Plan:
    """Compare. Raises C(Invalid) for a label that cannot be, C(Refused) for one that cannot go."""
    if wanted.keep is not None and wanted.keep < 1:
        raise Invalid("keep is at least 1", fields=(("keep", "less than 1"),))
    labels = [each.label for each in found]
    if wanted.state == "absent":
        doomed = [each for each in found if each.label == wanted.label]
        for each in doomed:
            refuse_to_delete(pixels, container, each)
        after = [label for label in labels if label != wanted.label]
        return Plan(difference(labels, after), wanted.label, doomed=tuple(doomed))
    dataset = whereabouts.dataset_of(pixels, container)
    label = check_label(wanted.label, dataset) if wanted.label else unique(label_now(), labels)
    fresh = label not in labels
    pruned = too_many(found, wanted.keep, fresh=fresh, label=label)
    gone = {each.label for each in pruned}
    after = [each for each in [*labels, *([label] if fresh else [])] if each not in gone]
    return Plan(difference(labels, after), label if fresh else None, pruned)


def difference(before: list[str], after: list[str]) -> Change:
    return Change({"checkpoints": before}, {"checkpoints": after})


def too_many(found: t.Sequence[Checkpoint], keep: int | None, *, fresh: bool, label: str) -> tuple[Checkpoint, ...]:
    """The oldest of ours beyond C(keep), less those that something depends on or somebody holds."""
    if keep is None:
        return ()
    ours = [each for each in found if each.ours and each.purpose != CLONE]
    old = ours[: max(0, len(ours) - (keep - 1 if fresh else keep))]
    return tuple(each for each in old if each.label != label and not why_it_stays(each))


def why_it_stays(checkpoint: Checkpoint) -> str | None:
    """What keeps ZFS from deleting a checkpoint; None when nothing does."""
    if checkpoint.clones:
        return f"these were cloned from it: {', '.join(whereabouts.told(clone) for clone in checkpoint.clones)}"
    asides = [aside for aside in checkpoint.asides if aside not in checkpoint.emptied]
    if asides:
        kept = ", ".join(aside.rpartition("/")[2].partition(".")[2] for aside in asides)
        return f"states that a restore set aside depend on it, with the checkpoints {kept}: delete those first"
    if checkpoint.snapshot.holds:
        return f"it is held ({', '.join(checkpoint.snapshot.holds)}): release it in the TrueNAS web interface"
    return None


def refuse_to_delete(pixels: Pixels, container: Container, checkpoint: Checkpoint) -> None:
    reason = why_it_stays(checkpoint)
    if reason:
        bare = names.bare_name(container.name)
        raise Refused(f"checkpoint {checkpoint.label} of {bare} on {pixels.nas} cannot be deleted: {reason}")


def apply(pixels: Pixels, container: Container, planned: Plan, wanted: Wanted) -> str | None:
    """Do what the plan says; returns the label of what was taken or deleted."""
    if mending.mend(pixels, container):
        # The checkpoints are where they are called otherwise now.
        planned = replace(plan(pixels, container, of(pixels, container), wanted), label=planned.label)
    label = planned.label
    if wanted.state == "absent":
        for each in planned.doomed:
            delete(pixels, container, each)
        return label
    if label is not None:
        label = take(pixels, container, label, exact=wanted.label is not None)
    for each in planned.pruned:
        delete(pixels, container, each)
    return label


def take(pixels: Pixels, container: Container, label: str, *, purpose: str = CHECKPOINT, exact: bool = True) -> str:
    """Take a checkpoint and return its label; with C(exact=False) another one where that is taken meanwhile."""
    dataset = whereabouts.dataset_of(pixels, container)
    tried: list[str] = []
    with trying(f"taking checkpoint {label} of {names.bare_name(container.name)} on {pixels.nas}"):
        while True:
            name = unique(label, tried)
            try:
                pixels.snapshots.take(dataset, name, {MADE_BY: US, PURPOSE: purpose})
            except AlreadyExists:
                tried.append(name)
                if exact or len(tried) > TRIES:
                    raise
            except OutcomeUnknown:
                # The label was free a moment ago: what is there of ours now is what was just asked for.
                made = pixels.snapshots.find(dataset, name)
                if made is None or made.properties.get(MADE_BY) != US:
                    raise
                return name
            else:
                return name


def delete(pixels: Pixels, container: Container, checkpoint: Checkpoint) -> None:
    """Delete it; a state set aside goes with the last of its checkpoints."""
    dataset = checkpoint.snapshot.dataset
    with trying(f"deleting checkpoint {checkpoint.label} of {names.bare_name(container.name)} on {pixels.nas}"):
        drop_emptied(pixels, checkpoint)
        last = checkpoint.depth > 0 and pixels.snapshots.labels(dataset) == [checkpoint.label]
        if last:
            # Asked in a way that takes the right to delete the dataset: who lacks that fails before anything is done.
            datasets.exists(pixels.wire, dataset)
        try:
            pixels.snapshots.delete(checkpoint.snapshot.id)
        except NotFound:
            # Somebody was quicker.
            pass
        except OutcomeUnknown:
            if pixels.snapshots.find(dataset, checkpoint.label):
                raise
        if last:
            datasets.delete(pixels.wire, dataset)


def drop_emptied(pixels: Pixels, checkpoint: Checkpoint) -> None:
    """Delete what was set aside, depends on a checkpoint, and has none of its own any more."""
    for dataset in checkpoint.emptied:
        datasets.delete(pixels.wire, dataset)
