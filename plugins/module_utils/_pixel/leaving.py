# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a pixel, and what becomes of its checkpoints and of those that were cloned from them."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    NotFound,
    NotPermitted,
    Refused,
    TimedOut,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import (
    checkpoints,
    cloning,
    host_keys,
    mending,
    names,
    whereabouts,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.trying import trying
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import datasets

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import Checkpoint
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import Found, Patience, Wanted
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container


def what_it_takes_along(pixels: Pixels, container: Container) -> tuple[checkpoints.Checkpoint, ...]:
    """The checkpoints of a pixel that goes, as far as the account may see them."""
    try:
        return tuple(checkpoints.of(pixels, container))
    except (NotPermitted, Unsupported):
        # Incus destroys no dataset that another one depends on: it puts it where nobody looks.
        return ()


def refuse_clones(pixels: Pixels, container: Container, clones: t.Sequence[str], *, asked: str) -> None:
    """Raises for clones where a NAS can neither hand checkpoints over to them nor keep them for those.

    That is C(Unsupported) for who C(asked) for either, else C(Refused).
    """
    if clones:
        kind = Refused if asked == "refuse" else Unsupported
        raise kind(
            f"{names.bare_name(container.name)} on {pixels.nas} was not destroyed, and nothing was done: this release "
            f"of TrueNAS keeps no checkpoints for what was cloned from them, which is {', '.join(clones)}. Destroy "
            "that first"
        )


def refuse_to_destroy(found: Found, wanted: Wanted) -> None:
    """Raises C(Refused) where ZFS would not let a pixel go, or others that were cloned from it would be orphaned."""
    bare = names.bare_name(found.container.name)
    clones = dependents(found.checkpoints, without=wanted.going)
    if clones and wanted.clones == "refuse":
        raise Refused(
            f"{bare} was not destroyed: ZFS cannot destroy checkpoints that something was cloned from, which is "
            f"{', '.join(clones)}. Destroy those first, or set clones: promote, which hands the checkpoints over to "
            f"them, or clones: leave, which destroys {bare} and keeps its data out of sight as long as they need it"
        )
    moved = handed_over(found.checkpoints, found.labels_of_clones) if wanted.clones == "promote" else []
    kept = needed(found.checkpoints) if wanted.clones == "leave" else set()
    held = [
        each.label
        for each in found.checkpoints
        if each.snapshot.holds and each not in moved and each.snapshot.dataset not in kept
    ]
    if held:
        raise Refused(
            f"{bare} was not destroyed, and nothing was done: ZFS cannot destroy checkpoints that are held, which is "
            f"{', '.join(held)}. Release them in the TrueNAS web interface first"
        )


def destroy(pixels: Pixels, found: Found, *, clones: str, patience: Patience, deadline: Deadline) -> None:
    """Stop it (asking first, then killing), delete it with its checkpoints, forget its host keys."""
    container = found.container
    with trying(f"destroying {names.bare_name(container.name)} on {pixels.nas}"):
        mending.mend(pixels, container)
        if clones == "promote" and dependents(found.checkpoints):
            hand_over(pixels, container)
        if container.running:
            stop_for_good(pixels, container, patience=patience, deadline=deadline)
        if any(each.asides for each in found.checkpoints):
            drop_asides(pixels, container)
        delete_patiently(pixels, container.name, patience=patience, deadline=deadline)
    pixels.host_keys.forget(host_keys.alias(container.name, pixels.nas))
    with trying(f"{names.bare_name(container.name)} on {pixels.nas} is gone. Removing what it left"):
        cloning.sweep(pixels, container)
        if (container.dataset or pixels.dataset_prefix) and not pixels.backend.fixed:
            drop_strays(pixels, whereabouts.dataset_of(pixels, container))


def stop_for_good(pixels: Pixels, container: Container, *, patience: Patience, deadline: Deadline) -> None:
    try:
        pixels.containers.stop(
            container.name, graceful=patience.stop_timeout, force=patience.force, timeout=deadline.left
        )
    except TimedOut:
        pixels.containers.stop(container.name, graceful=0, force=True, timeout=deadline.left)


def delete_patiently(pixels: Pixels, name: str, *, patience: Patience, deadline: Deadline) -> None:
    """The dataset stays busy for a moment after a stop, so deleting is tried again, as upstream does."""
    for left in reversed(range(patience.delete_retries)):
        try:
            pixels.containers.delete(name, timeout=deadline.left)
        except NotFound:
            return
        except Refused:
            if not left or not deadline.left:
                raise
            deadline.pause(patience.delete_delay)
        else:
            return


def dependents(found: t.Iterable[Checkpoint], *, without: t.Container[str] = ()) -> tuple[str, ...]:
    """Who was cloned from which checkpoint: what becomes of them has to be decided before the pixel goes."""
    return tuple(
        f"{whereabouts.told(clone)} (from {each.label})"
        for each in found
        for clone in each.clones
        if clone.rpartition("/")[2] not in without
    )


def labels_of_clones(pixels: Pixels, found: t.Iterable[Checkpoint]) -> dict[str, frozenset[str]]:
    """The labels that each dataset made from these checkpoints has itself."""
    clones = {clone for each in found for clone in each.clones}
    return {clone: frozenset(pixels.snapshots.labels(clone)) for clone in clones}


def handed_over(found: t.Sequence[Checkpoint], labels: t.Mapping[str, frozenset[str]]) -> list[Checkpoint]:
    """Which checkpoints clones take over. Raises C(Refused) for a clone that has one of the same name.

    One step for each dataset, as C(hand_over) does it: the newest that something was cloned from goes with all that is
    older, and the clone then depends on what the dataset depended on.
    """
    moved: list[Checkpoint] = []
    has = {clone: set(its) for clone, its in labels.items()}
    clones = {each.snapshot.id: list(each.clones) for each in found}
    depends_on = {aside: each.snapshot.id for each in found for aside in each.asides}
    depths = {each.snapshot.dataset: each.depth for each in found}
    for dataset in sorted(depths, key=lambda name: -depths[name]):
        its = [each for each in found if each.snapshot.dataset == dataset]
        cloned = [each for each in its if clones[each.snapshot.id]]
        if not cloned:
            continue
        newest = max(cloned, key=lambda each: each.snapshot.txg)
        heir = min(clones[newest.snapshot.id])
        going = [each for each in its if each.snapshot.txg <= newest.snapshot.txg]
        same = sorted({each.label for each in going} & has[heir])
        if same:
            told = whereabouts.told(heir)
            raise Refused(f"{told} has checkpoints of the same names: delete {', '.join(same)} on one side")
        has[heir].update(each.label for each in going)
        moved += going
        if dataset in depends_on:
            clones[depends_on[dataset]].append(heir)
    return moved


def hand_over(pixels: Pixels, container: Container) -> None:
    """Give every checkpoint that something was cloned from to its clone, with the older ones (C(zfs promote))."""
    with trying(f"handing the checkpoints of {names.bare_name(container.name)} over to its clones"):
        found = checkpoints.of(pixels, container)
        # Before the first step: a clone may have taken one of the same name since it was planned.
        handed_over(found, labels_of_clones(pixels, found))
        while cloned := [each for each in found if each.clones]:
            # From the outside in: a state set aside is itself made from a checkpoint that is nearer.
            deepest = max(cloned, key=lambda each: (each.depth, each.snapshot.txg))
            datasets.promote(pixels.wire, min(deepest.clones))
            found = checkpoints.of(pixels, container)


def needed(found: t.Iterable[Checkpoint]) -> set[str]:
    """Datasets of a pixel that others depend on, over whatever was set aside in between."""
    found = sorted(found, key=lambda each: -each.depth)
    kept: set[str] = set()
    for each in found:
        if each.clones or kept.intersection(each.asides):
            kept.add(each.snapshot.dataset)
    return kept


def drop_asides(pixels: Pixels, container: Container) -> None:
    """Destroy the states of a pixel that were set aside, except those something was cloned from."""
    found = checkpoints.of(pixels, container)
    kept = needed(found)
    depths = {aside: each.depth for each in found for aside in each.asides}
    for dataset in sorted(depths, key=lambda name: -depths[name]):
        if dataset not in kept:
            datasets.delete(pixels.wire, dataset, with_snapshots=True)


def drop_strays(pixels: Pixels, home: str) -> None:
    """Destroy what was set aside of a pixel that is gone, as far as nothing was cloned from it."""
    try:
        for each in datasets.starting_with(pixels.wire, whereabouts.set_aside_as(home, "")):
            # The oldest first: those depend on what was set aside later.
            if not any(snapshot.clones for snapshot in pixels.snapshots.of(each.name)):
                datasets.delete(pixels.wire, each.name, with_snapshots=True)
    except NotPermitted:
        # Who may not look could not have left anything either.
        return
