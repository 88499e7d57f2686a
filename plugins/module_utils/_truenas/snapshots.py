# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ZFS snapshots through whichever API a release has.

That is C(zfs.snapshot.*) on 25.04, C(pool.snapshot.*) on 25.10, and C(zfs.resource.snapshot.*) on 26: there
C(pool.snapshot.*) is left, and no longer shows the properties by which ours are told.
"""

from __future__ import annotations

import datetime
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    MissingLibrary,
    NotFound,
    NotPermitted,
    Refused,
    Unsupported,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

Row = t.Mapping[str, t.Any]

OLD, NEW, NEWEST = "zfs.snapshot", "pool.snapshot", "zfs.resource.snapshot"

# Of the roles of an action any will do. 25.04 gives none to rollback and clone, which leaves full administrators
# (middleware plugins/zfs_/snapshot_actions.py and plugins/pool_/snapshot.py).
ROLES: dict[str, dict[str, tuple[str, ...]]] = {
    OLD: {
        "query": ("SNAPSHOT_READ",),
        "create": ("SNAPSHOT_WRITE",),
        "delete": ("SNAPSHOT_DELETE",),
        "rollback": ("FULL_ADMIN",),
        "clone": ("FULL_ADMIN",),
    },
    NEW: {
        "query": ("SNAPSHOT_READ",),
        "create": ("SNAPSHOT_WRITE",),
        "delete": ("SNAPSHOT_DELETE",),
        "rollback": ("SNAPSHOT_WRITE", "POOL_WRITE"),
        "clone": ("SNAPSHOT_WRITE", "DATASET_WRITE"),
    },
    NEWEST: {
        "query": ("SNAPSHOT_READ",),
        "create": ("SNAPSHOT_WRITE",),
        "delete": ("SNAPSHOT_DELETE",),
        "rollback": ("SNAPSHOT_WRITE",),
        "clone": ("SNAPSHOT_WRITE",),
    },
}

SHOWN = ("creation", "used", "referenced")
"""What the newest API is to show; of clones it says nothing, but refuses to delete what has any."""

# What the newest API calls otherwise.
ACTIONS = {"destroy": "delete"}

# Below the ten calls that the NAS runs at once for one session.
AT_ONCE = 6

NO_SUCH = "none@none"
"""Names no snapshot anywhere, so that asking for it costs the NAS nothing."""


@dataclass(frozen=True)
class Snapshot:
    """A ZFS snapshot as the NAS has it."""

    dataset: str
    label: str
    created: datetime.datetime
    """In UTC, to the second."""
    txg: int
    """Grows with time: what orders snapshots that were taken in the same second."""
    used: int = 0
    """Bytes that only this snapshot keeps, and that deleting it would free."""
    referenced: int = 0
    """Bytes of all that is in it."""
    clones: tuple[str, ...] = ()
    """Datasets made from it; while there is one it cannot go. TrueNAS 26 tells who may see datasets."""
    holds: tuple[str, ...] = ()
    properties: t.Mapping[str, str] = field(default_factory=dict)
    """User properties (those with a colon) that were set on the snapshot itself."""

    @property
    def id(self) -> str:
        return f"{self.dataset}@{self.label}"


class Snapshots:
    """The snapshots of one NAS. Every method may raise what C(_api.errors) lists; C(NotPermitted) names the role."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    @cached_property
    def service(self) -> str:
        """The API this NAS answers to: the first part of its methods' names."""
        asked = (
            (f"{NEWEST}.query", {"paths": [NO_SUCH], "properties": None}),
            (f"{NEW}.query", [["id", "=", NO_SUCH]]),
        )
        # At the same time: nobody waits for more than one answer, whichever release it is.
        with ThreadPoolExecutor(max_workers=len(asked)) as pool:
            newest, new = pool.map(lambda each: self._answers(*each), asked)
        return NEWEST if newest else NEW if new else OLD

    def _answers(self, method: str, params: t.Any) -> bool:
        try:
            self._wire.read(method, params)
        except MissingLibrary:
            # That is about this machine.
            raise
        except Unsupported:
            return False
        except (NotPermitted, NotFound):
            # A method that may not be called is there: the role check comes after the method was found.
            return True
        return True

    def roles(self, action: str) -> tuple[str, ...]:
        """Any of these allows an action (C(query), C(create), C(delete), C(rollback), C(clone)) on this release."""
        return ROLES[self.service][action]

    def labels(self, dataset: str) -> list[str]:
        """The names of a dataset's snapshots, in no order: one quick call however many the NAS has elsewhere."""
        if self.service == NEWEST:
            return [row["snapshot_name"] for row in self._look(dataset, properties=None)]
        # Only with this one column does the middleware look at one dataset instead of at all of all pools.
        rows = self._read([["dataset", "=", dataset]], {"select": ["name"]})
        parts = (row["name"].partition("@") for row in rows)
        return [label for name, _at, label in parts if name == dataset]

    def of(self, dataset: str) -> list[Snapshot]:
        """All that is known of a dataset's snapshots, oldest first."""
        if self.service == NEWEST:
            return sorted(self._with_clones(dataset), key=lambda each: each.txg)
        labels = self.labels(dataset)
        if not labels:
            return []
        with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(labels))) as pool:
            each_of_them = list(pool.map(lambda label: self.find(dataset, label), labels))
        # What went away since its name was read is not there.
        return sorted((each for each in each_of_them if each is not None), key=lambda each: each.txg)

    def find(self, dataset: str, label: str) -> Snapshot | None:
        if self.service == NEWEST:
            return next(iter(self._with_clones(f"{dataset}@{label}")), None)
        rows = self._read([["id", "=", f"{dataset}@{label}"]], {"extra": {"holds": True}})
        return snapshot(rows[0]) if rows else None

    def take(self, dataset: str, label: str, properties: t.Mapping[str, str]) -> Snapshot:
        """Raises C(AlreadyExists) for a label that is taken."""
        if self.service == NEWEST:
            taken = {"dataset": dataset, "name": label, "user_properties": dict(properties)}
            return replace(resource(self._call("create", taken)), properties=dict(properties))
        wanted = {"dataset": dataset, "name": label, "properties": dict(properties)}
        return snapshot(self._call("create", wanted))

    def delete(self, snapshot_id: str) -> None:
        """Raises C(Invalid) while there are clones of it, C(Refused) while it is held, C(NotFound)."""
        if self.service == NEWEST:
            self._call("destroy", {"path": snapshot_id})
            return
        self._call("delete", snapshot_id)

    def rollback(self, snapshot_id: str, *, discard_newer: bool = False) -> None:
        """Put a dataset back, with C(discard_newer) at the cost of all its newer snapshots; never of clones."""
        if self.service == NEWEST:
            self._call("rollback", {"path": snapshot_id, "recursive": discard_newer})
            return
        self._call("rollback", snapshot_id, {"recursive": discard_newer})

    def clone(self, snapshot_id: str, target: str) -> None:
        """Make a dataset from a snapshot. Outside of C(.ix-virt) the NAS mounts it at C(/mnt/<target>)."""
        where = "dataset" if self.service == NEWEST else "dataset_dst"
        self._call("clone", {"snapshot": snapshot_id, where: target})

    def _read(self, filters: t.Sequence[t.Any], options: Row) -> t.Any:
        with self._naming_the_role("query"):
            return self._wire.read(f"{self.service}.query", filters, dict(options))

    def _look(self, path: str, *, properties: t.Sequence[str] | None) -> list[Row]:
        """The rows of a dataset, or of one snapshot; none of what is not there."""
        wanted = {
            "paths": [path],
            "properties": None if properties is None else list(properties),
            "get_user_properties": properties is not None,
            "get_holds": properties is not None,
        }
        try:
            with self._naming_the_role("query"):
                rows: list[Row] = self._wire.read(f"{NEWEST}.query", wanted)
        except NotFound:
            return []
        return rows

    def _with_clones(self, path: str) -> list[Snapshot]:
        """Those of a dataset, or the one of that name, as the newest API and the datasets of the pool tell of them."""
        rows = self._look(path, properties=SHOWN)
        clones = self._clones(path.partition("/")[0]) if rows else {}
        return [resource(row, clones.get(row["name"], ())) for row in rows]

    def _clones(self, pool: str) -> dict[str, tuple[str, ...]]:
        """What was made from which snapshot; nothing for who may not see that."""
        wanted = {"paths": [pool], "get_children": True, "properties": ["origin"]}
        try:
            rows = self._wire.read("zfs.resource.query", wanted)
        except NotPermitted:
            return {}
        found: dict[str, tuple[str, ...]] = {}
        for row in rows:
            origin = (row["properties"] or {}).get("origin")
            if origin and origin["raw"]:
                found[origin["raw"]] = (*found.get(origin["raw"], ()), row["name"])
        return found

    def _call(self, action: str, *params: t.Any) -> t.Any:
        try:
            with self._naming_the_role(action):
                return self._wire.call(f"{self.service}.{action}", *params)
        except Invalid as error:
            if says_protected(error):
                raise Unsupported(
                    f"{self._wire.nas} protects the files of containers from snapshots of anybody's: this release of "
                    "TrueNAS has no checkpoints of containers. Where a state must not be lost, copy it out of the "
                    f"container, or take snapshots of the whole pool recursively, which include it ({error})"
                ) from error
            if self.service == NEWEST and not says_cloned(error):
                # There all that is wrong with a snapshot is said to be wrong with the arguments.
                raise Refused(str(error)) from error
            raise

    def _naming_the_role(self, action: str) -> NamingTheRole:
        return NamingTheRole(self.roles(ACTIONS.get(action, action)))


class NamingTheRole:
    """Add to a refusal which role would have helped; of several any would."""

    def __init__(self, roles: tuple[str, ...]) -> None:
        self._roles = roles

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: t.Any, error: t.Any, _trace: t.Any) -> None:
        if isinstance(error, NotPermitted):
            error.args = (f"{error}. On this release that is the role {' or '.join(self._roles)}", *error.args[1:])


def says_protected(error: Invalid) -> bool:
    """A guess from the text: the errno (EACCES) is that of a role that is missing, too."""
    return "is a protected path" in str(error)


def says_cloned(error: Invalid) -> bool:
    """A guess from the text: a hold has the same errno (EBUSY)."""
    return "following clones" in str(error)


def resource(row: Row, clones: tuple[str, ...] = ()) -> Snapshot:
    """A row of C(zfs.resource.snapshot.query), or what its C(create) returns, as our type."""
    properties = row["properties"]

    def number(name: str) -> int:
        return int(properties[name]["raw"]) if name in properties else 0

    return Snapshot(
        dataset=row["dataset"],
        label=row["snapshot_name"],
        created=datetime.datetime.fromtimestamp(number("creation"), datetime.UTC),
        txg=row["createtxg"],
        used=number("used"),
        referenced=number("referenced"),
        clones=clones,
        holds=tuple(sorted(row["holds"] or ())),
        properties=dict(row["user_properties"] or {}),
    )


def snapshot(row: Row) -> Snapshot:
    """A row of C(query), or what C(create) returns, as our type."""
    properties = row["properties"]

    def raw(name: str) -> str:
        return str(properties[name]["rawvalue"])

    return Snapshot(
        dataset=row["dataset"],
        label=row["snapshot_name"],
        created=datetime.datetime.fromtimestamp(int(raw("creation")), datetime.UTC),
        txg=int(row["createtxg"]),
        used=int(raw("used")),
        referenced=int(raw("referenced")),
        clones=tuple(name for name in raw("clones").split(",") if name),
        holds=tuple(sorted(row.get("holds") or ())),
        properties={
            name: each["rawvalue"] for name, each in properties.items() if ":" in name and each["source"] != "INHERITED"
        },
    )
