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

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    NotFound,
    NotPermitted,
    Refused,
    TimedOut,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import Snapshot, Snapshots

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

BUSY_FOR = 20.0
PAUSE = 1.0

DELETE = "container.delete"
WITH_SNAPSHOTS = {"force": False, "recursive": True}
WITHOUT = {"force": False, "recursive": False}


def remove(wire: Wire, row: t.Mapping[str, t.Any], *, timeout: float) -> None:
    """C(row) is that of the container. Raises C(Refused) for a snapshot that has to stay."""
    name, identity = row["name"], row["id"]
    snapshots = Snapshots(wire)
    try:
        found = snapshots.of(row["dataset"])
    except NotPermitted as error:
        remove_unseen(wire, name, identity, error, timeout=timeout)
        return
    refuse_what_stays(wire, name, found)
    try:
        for each in found:
            drop(wire, snapshots, name, each)
    except Unsupported:
        # It keeps snapshots of containers from everybody, and destroys them with the container alone.
        wire.run_job(DELETE, identity, WITH_SNAPSHOTS, timeout=timeout)
        return
    try:
        wire.run_job(DELETE, identity, timeout=timeout)
    except Invalid as error:
        # Something was put into its dataset at the last moment. Whether it is still there tells the releases apart.
        if wire.read("container.query", [["id", "=", identity]]):
            raise Refused(f"{error}; try again") from error
    if not is_gone(wire, row["dataset"]):
        remove_files(wire, snapshots, name, row["dataset"])


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


def refuse_what_stays(wire: Wire, name: str, found: t.Sequence[Snapshot]) -> None:
    """Later releases would take clones along, wherever they are."""
    reasons = [f"{each.label} is held" for each in found if each.holds]
    reasons += [f"{', '.join(each.clones)} was cloned from {each.label}" for each in found if each.clones]
    if reasons:
        raise Refused(
            f"{name} was not removed from {wire.nas}, and nothing was done: of its snapshots {'; '.join(reasons)}. "
            "Release them, or destroy the clones, first"
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


def is_gone(wire: Wire, dataset: str) -> bool:
    """Asked in the way that takes no more rights than to see snapshots."""
    try:
        wire.read("zfs.resource.snapshot.query", {"paths": [dataset], "properties": None})
    except NotFound:
        return True
    return False


def remove_files(wire: Wire, snapshots: Snapshots, name: str, dataset: str) -> None:
    """Destroy what a container left that is gone already. Raises C(TimedOut) or C(NotPermitted), not to be repeated.

    The dataset may be busy for a moment after a stop, and the betas do not look whether they could destroy it.
    """
    until = time.monotonic() + BUSY_FOR
    while True:
        try:
            for each in snapshots.of(dataset):
                snapshots.delete(each.id)
            wire.call("zfs.resource.destroy", {"path": dataset})
            return
        except NotFound:
            return
        except (Invalid, NotPermitted, Refused) as error:
            kind = NotPermitted if isinstance(error, NotPermitted) else TimedOut
            if kind is NotPermitted or time.monotonic() > until:
                raise kind(
                    f"{wire.nas} removed {name}, but not its files: {error}. Destroy them in the shell of the NAS "
                    f"(zfs destroy -r {dataset}): until then nobody can take the name"
                ) from error
        time.sleep(PAUSE)
