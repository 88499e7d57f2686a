# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete a stopped container of TrueNAS 26 with its snapshots, without leaving its files behind.

The betas remove the record of a container first and destroy its dataset afterwards, which fails if it has snapshots.
The remaining dataset then conflicts with a new container of that name. So the snapshots are deleted first. Release
candidates and later do not allow that, but destroy the snapshots themselves with the option `recursive`.
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
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import (
    RoleErrors,
    Snapshot,
    Snapshots,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

Row = t.Mapping[str, t.Any]

BUSY_TIMEOUT_S = 20.0
"""How long to retry while the dataset is busy."""
RETRY_PAUSE_S = 1.0

DELETE = "container.delete"
WITH_SNAPSHOTS = {"force": False, "recursive": True}
WITHOUT = {"force": False, "recursive": False}

DATASETS = ("ZFS_RESOURCE_READ",)


@dataclass(frozen=True)
class Files:
    """The dataset of a container."""

    made: int | None
    """The transaction group of its creation, which identifies it; None if it does not exist."""
    below: tuple[str, ...] = ()
    """Child datasets. Neither TrueNAS nor the collection creates any."""


def remove(wire: Wire, row: Row, *, timeout: float) -> None:
    """Delete the container of `row`. Raises `Refused` if a snapshot or a child dataset must be kept."""
    name, identity, dataset = row["name"], row["id"], row["dataset"]
    snapshots = Snapshots(wire)
    try:
        found = snapshots.find_all(dataset)
    except NotPermitted as error:
        remove_without_snapshot_access(wire, name, identity, error, timeout=timeout)
        return
    files = find_files(wire, dataset)
    reject_remaining(wire, name, found, files)
    if found and not exists(wire, identity):
        # The snapshots belong to another container that got the name after the row was read.
        raise NotFound(f"container '{name}' no longer exists on {wire.nas}")
    try:
        for each in found:
            delete_snapshot(wire, snapshots, name, each)
    except Unsupported:
        # This release protects snapshots of containers, and destroys them only with the container.
        reject_unknown_clones(wire, name, files)
        wire.run_job(DELETE, identity, WITH_SNAPSHOTS, timeout=timeout)
        return
    try:
        wire.run_job(DELETE, identity, timeout=timeout)
    except (Invalid, OutcomeUnknown, Refused, TimedOut) as error:
        # If the container is gone, a beta has failed to destroy its dataset, which is handled below.
        if exists(wire, identity):
            if isinstance(error, Invalid):
                # A snapshot or dataset was created in the meantime.
                raise Refused(error.message).with_hints(Hint.run_again()) from error
            raise
    if has_files_left(wire, row, files):
        remove_files(wire, snapshots, row, files)


def find_files(wire: Wire, dataset: str) -> Files | None:
    """Return the dataset of a container; None if the account may not see datasets."""
    try:
        return inspect(wire, dataset)
    except NotPermitted:
        return None


def inspect(wire: Wire, dataset: str) -> Files:
    """Return the dataset of a container. Raises `NotPermitted`."""
    query = {"paths": [dataset], "get_children": True, "properties": None}
    try:
        with RoleErrors(DATASETS):
            rows = wire.read("zfs.resource.query", query)
    except NotFound:
        return Files(None)
    made = next((row["createtxg"] for row in rows if row["name"] == dataset), None)
    return Files(made, tuple(sorted(row["name"] for row in rows if row["name"] != dataset)))


def exists(wire: Wire, identity: int) -> bool:
    """Return whether the container with this ID exists."""
    return bool(wire.read("container.query", [["id", "=", identity]]))


def remove_without_snapshot_access(
    wire: Wire, name: str, identity: int, cause: NotPermitted, *, timeout: float
) -> None:
    """Delete a container for an account that may not see snapshots, on releases that refuse if there are any."""
    try:
        wire.run_job(DELETE, identity, WITHOUT, timeout=timeout)
    except Invalid as error:
        if not takes_no_options(error):
            raise Refused(str(error)) from error
        raise NotPermitted(
            f"{name} was not deleted from {wire.nas}: its files would remain if it has snapshots, and the account may "
            f"not list them: {cause}"
        ) from error


def reject_remaining(wire: Wire, name: str, found: t.Sequence[Snapshot], files: Files | None) -> None:
    """Raise `Refused` for holds, clones and child datasets: betas leave them behind, later releases destroy them."""
    reasons = [f"its snapshot {each.label} is held" for each in found if each.holds]
    reasons += [f"{', '.join(each.clones)} was cloned from {each.label}" for each in found if each.clones]
    if files and files.below:
        reasons.append(f"its dataset has child datasets: {', '.join(files.below)}")
    if reasons:
        raise Refused(
            f"{name} was not deleted from {wire.nas}, and nothing was changed: {'; '.join(reasons)}. "
            "Release the holds, or destroy the clones and child datasets, first"
        )


def reject_unknown_clones(wire: Wire, name: str, files: Files | None) -> None:
    """Raise `NotPermitted` if the account cannot see clones, which this release would destroy."""
    if files is None:
        raise NotPermitted(
            f"{name} was not deleted from {wire.nas}: clones of its snapshots would be destroyed with it, and the "
            f"account may not list them. Give it the role {DATASETS[0]}"
        )


def delete_snapshot(wire: Wire, snapshots: Snapshots, name: str, snapshot: Snapshot) -> None:
    """Delete a snapshot of a container. Raises `Unsupported` if the release protects it."""
    try:
        snapshots.delete(snapshot.id)
    except NotFound:
        # Deleted in the meantime.
        return
    except (Invalid, NotPermitted, Refused) as error:
        kind = NotPermitted if isinstance(error, NotPermitted) else Refused
        raise kind(
            f"{name} was not deleted from {wire.nas}: its files would remain, as its snapshot {snapshot.label} could "
            f"not be deleted: {error}"
        ) from error


def takes_no_options(error: Invalid) -> bool:
    """Guess from the text whether `container.delete` is that of a beta, which accepts only the ID of the container."""
    return any("Too many arguments" in problem for _field, problem in error.fields)


def has_files_left(wire: Wire, row: Row, files: Files | None) -> bool:
    """Return whether the files of a deleted container remain, and belong to no new container of that name."""
    if files is not None:
        made = inspect(wire, row["dataset"]).made
        return made is not None and made == files.made
    try:
        # This requires only the role to read snapshots.
        wire.read("zfs.resource.snapshot.query", {"paths": [row["dataset"]], "properties": None})
    except NotFound:
        return False
    return not wire.read("container.query", [["name", "=", row["name"]]])


def remove_files(wire: Wire, snapshots: Snapshots, row: Row, files: Files | None) -> None:
    """Destroy the files of a container that is deleted. Raises `TimedOut` or `NotPermitted`.

    The dataset may be busy for a moment after a stop, and the betas ignore that they could not destroy it.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            if files is None:
                # Without the role the owner of the files cannot be checked either.
                raise NotPermitted(f"that requires the role {DATASETS[0]}")
            if not has_files_left(wire, row, files):
                return
            for each in snapshots.find_all(row["dataset"]):
                snapshots.delete(each.id)
            wire.call("zfs.resource.destroy", {"path": row["dataset"]})
            return
        except NotFound:
            return
        except (Invalid, NotPermitted, Refused) as error:
            kind = NotPermitted if isinstance(error, NotPermitted) else TimedOut
            if kind is NotPermitted or time.monotonic() > deadline:
                raise kind(
                    f"{wire.nas} deleted {row['name']}, but not its files: {error}. Destroy them in the shell of the "
                    f"NAS (zfs destroy -r {row['dataset']}), or the name cannot be used again"
                ) from error
        time.sleep(RETRY_PAUSE_S)
