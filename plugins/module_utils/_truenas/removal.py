# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes a stopped container of TrueNAS 26 with its snapshots, so that none of its files are lost sight of.

The betas forget a container first and destroy its files then, which fails while there is a snapshot of them: files are
left that belong to nobody, in the way of the next container of that name. So its snapshots go before it. Releases since
the first candidate keep us from that, and destroy snapshots themselves when told to.
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
    Refused,
    TimedOut,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import (
    NamingTheRole,
    Snapshot,
    Snapshots,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

Row = t.Mapping[str, t.Any]

BUSY_FOR = 20.0
PAUSE = 1.0

DELETE = "container.delete"
WITH_SNAPSHOTS = {"force": False, "recursive": True}
WITHOUT = {"force": False, "recursive": False}

DATASETS = ("ZFS_RESOURCE_READ",)


@dataclass(frozen=True)
class Files:
    """The dataset of a container."""

    made: int | None
    """When, in transactions of its pool: another one of the same name has another. None where there is none."""
    below: tuple[str, ...] = ()
    """The datasets in it, which nobody but a person makes."""


def remove(wire: Wire, row: Row, *, timeout: float) -> None:
    """C(row) is that of the container. Raises C(Refused) for a snapshot or a dataset that has to stay."""
    name, identity, dataset = row["name"], row["id"], row["dataset"]
    snapshots = Snapshots(wire)
    try:
        found = snapshots.of(dataset)
    except NotPermitted as error:
        remove_unseen(wire, name, identity, error, timeout=timeout)
        return
    files = seen(wire, dataset)
    refuse_what_stays(wire, name, found, files)
    if found and not is_known(wire, identity):
        # Those are another one's, that got the name since the row was read.
        raise NotFound(f"there is no container {name} on {wire.nas} any more")
    try:
        for each in found:
            drop(wire, snapshots, name, each)
    except Unsupported:
        # It keeps snapshots of containers from everybody, and destroys them with the container alone.
        refuse_the_unseen(wire, name, files)
        wire.run_job(DELETE, identity, WITH_SNAPSHOTS, timeout=timeout)
        return
    try:
        wire.run_job(DELETE, identity, timeout=timeout)
    except (Invalid, OutcomeUnknown, Refused, TimedOut) as error:
        # The betas have forgotten it before anything can go wrong with its files: then those are still to be seen to.
        if is_known(wire, identity):
            if isinstance(error, Invalid):
                # Something was put into its dataset at the last moment.
                raise Refused(f"{error}; try again") from error
            raise
    if is_left(wire, row, files):
        remove_files(wire, snapshots, row, files)


def seen(wire: Wire, dataset: str) -> Files | None:
    """None for who may not see datasets."""
    try:
        return look(wire, dataset)
    except NotPermitted:
        return None


def look(wire: Wire, dataset: str) -> Files:
    wanted = {"paths": [dataset], "get_children": True, "properties": None}
    try:
        with NamingTheRole(DATASETS):
            rows = wire.read("zfs.resource.query", wanted)
    except NotFound:
        return Files(None)
    made = next((row["createtxg"] for row in rows if row["name"] == dataset), None)
    return Files(made, tuple(sorted(row["name"] for row in rows if row["name"] != dataset)))


def is_known(wire: Wire, identity: int) -> bool:
    return bool(wire.read("container.query", [["id", "=", identity]]))


def remove_unseen(wire: Wire, name: str, identity: int, blind: NotPermitted, *, timeout: float) -> None:
    """For an account that may not see whether there are snapshots: only where the NAS refuses if there are."""
    try:
        wire.run_job(DELETE, identity, WITHOUT, timeout=timeout)
    except Invalid as error:
        if not takes_no_options(error):
            raise Refused(str(error)) from error
        raise NotPermitted(
            f"{name} was not removed from {wire.nas}, which would lose sight of its files if there are snapshots of "
            f"them, and the account may not see whether there are: {blind}"
        ) from error


def refuse_what_stays(wire: Wire, name: str, found: t.Sequence[Snapshot], files: Files | None) -> None:
    """The betas lose sight of what they cannot destroy, and later releases take it along, clones wherever they are."""
    reasons = [f"its snapshot {each.label} is held" for each in found if each.holds]
    reasons += [f"{', '.join(each.clones)} was cloned from {each.label}" for each in found if each.clones]
    if files and files.below:
        reasons.append(f"there are datasets in its own: {', '.join(files.below)}")
    if reasons:
        raise Refused(
            f"{name} was not removed from {wire.nas}, and nothing was done: {'; '.join(reasons)}. "
            "Release what is held, or destroy what is in the way, first"
        )


def refuse_the_unseen(wire: Wire, name: str, files: Files | None) -> None:
    """Raises C(NotPermitted) for who cannot know what would go along."""
    if files is None:
        raise NotPermitted(
            f"{name} was not removed from {wire.nas}, which would destroy whatever was cloned from its snapshots, and "
            f"the account may not see whether there is such a thing: that takes the role {DATASETS[0]}"
        )


def drop(wire: Wire, snapshots: Snapshots, name: str, snapshot: Snapshot) -> None:
    """Raises C(Unsupported) where the NAS protects it from everybody."""
    try:
        snapshots.delete(snapshot.id)
    except NotFound:
        # Somebody was quicker.
        return
    except (Invalid, NotPermitted, Refused) as error:
        kind = NotPermitted if isinstance(error, NotPermitted) else Refused
        raise kind(
            f"{name} was not removed from {wire.nas}, which would lose sight of its files while there is the snapshot "
            f"{snapshot.label}: {error}"
        ) from error


def takes_no_options(error: Invalid) -> bool:
    """A guess from the text, which is all there is: the betas take the number of the container alone."""
    return any("Too many arguments" in problem for _field, problem in error.fields)


def is_left(wire: Wire, row: Row, files: Files | None) -> bool:
    """Whether its files are still there, and are not those of another one that got the name as soon as it was free."""
    if files is not None:
        made = look(wire, row["dataset"]).made
        return made is not None and made == files.made
    try:
        # This takes no more rights than to see snapshots.
        wire.read("zfs.resource.snapshot.query", {"paths": [row["dataset"]], "properties": None})
    except NotFound:
        return False
    return not wire.read("container.query", [["name", "=", row["name"]]])


def remove_files(wire: Wire, snapshots: Snapshots, row: Row, files: Files | None) -> None:
    """Destroy what a container left that is gone already. Raises C(TimedOut) or C(NotPermitted), not to be repeated.

    The dataset may be busy for a moment after a stop, and the betas do not look whether they could destroy it.
    """
    until = time.monotonic() + BUSY_FOR
    while True:
        try:
            if files is None:
                # Nor would it be known, in the end, whose those are.
                raise NotPermitted(f"that takes the role {DATASETS[0]}")
            if not is_left(wire, row, files):
                return
            for each in snapshots.of(row["dataset"]):
                snapshots.delete(each.id)
            wire.call("zfs.resource.destroy", {"path": row["dataset"]})
            return
        except NotFound:
            return
        except (Invalid, NotPermitted, Refused) as error:
            kind = NotPermitted if isinstance(error, NotPermitted) else TimedOut
            if kind is NotPermitted or time.monotonic() > until:
                raise kind(
                    f"{wire.nas} removed {row['name']}, but not its files: {error}. Destroy them in the shell of the "
                    f"NAS (zfs destroy -r {row['dataset']}): until then nobody can take the name"
                ) from error
        time.sleep(PAUSE)
