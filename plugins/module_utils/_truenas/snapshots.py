# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ZFS snapshots through whichever API a release has.

That is `zfs.snapshot.*` on 25.04, `pool.snapshot.*` on 25.10, and `zfs.resource.snapshot.*` on 26. There
`pool.snapshot.*` still exists, but no longer returns the user properties that mark the collection's checkpoints.
"""

from __future__ import annotations

import contextlib
import datetime
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    MissingLibrary,
    NotFound,
    NotPermitted,
    Refused,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.lazy_property import LazyProperty
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import values

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.values import Warn
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

Row = t.Mapping[str, t.Any]

OLD, NEW, NEWEST = "zfs.snapshot", "pool.snapshot", "zfs.resource.snapshot"

ROLES: dict[str, dict[str, tuple[str, ...]]] = {
    # Any one of the roles of an action is enough. 25.04 has no role for rollback and clone: only full administrators
    # may call them (middleware plugins/zfs_/snapshot_actions.py and plugins/pool_/snapshot.py).
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
"""The properties to request from `zfs.resource.snapshot.query`, which has none for clones."""

ACTIONS = {"destroy": "delete", "release": "create"}
"""Actions that `zfs.resource.snapshot` names differently, or that need the roles of another one."""

NO_LABEL, NO_TAG = "px.none", "px.none"
"""A label and the tag of a hold that no snapshot has."""

MAX_PARALLEL = 6
"""Calls at the same time. The NAS runs ten for one session."""

NO_SNAPSHOT = "none@none"
"""The name of no snapshot: a query for it costs the NAS nothing."""


class SnapshotId(t.NamedTuple):
    """The name of a snapshot in ZFS: `dataset@label`."""

    dataset: str
    label: str

    @classmethod
    def parse(cls, text: str) -> SnapshotId:
        """Return the parts of a name; the label is empty if the text has none."""
        dataset, _at, label = text.partition("@")
        return cls(dataset, label)

    def __str__(self) -> str:
        return f"{self.dataset}@{self.label}"


@dataclass(frozen=True)
class Snapshot:
    """A ZFS snapshot on the NAS."""

    dataset: str
    label: str
    created: datetime.datetime
    """In UTC, to the second."""
    txg: int
    """The transaction group of its creation. It orders snapshots of the same second."""
    used: int = 0
    """Bytes that deleting the snapshot would free."""
    referenced: int = 0
    """Bytes of its whole content."""
    clones: tuple[str, ...] = ()
    """Datasets cloned from it, which prevent its deletion. Empty on TrueNAS 26 if the account may not see datasets."""
    holds: tuple[str, ...] = ()
    properties: t.Mapping[str, str] = field(default_factory=dict)
    """User properties (with a colon in the name) that are set on the snapshot itself."""

    @property
    def id(self) -> str:
        """Its name in ZFS, as methods of the middleware accept it."""
        return str(SnapshotId(self.dataset, self.label))


class Snapshots:
    """The snapshots of one NAS. Methods raise the errors of `_api.errors`; `NotPermitted` names the missing role."""

    def __init__(self, wire: Wire, warn: Warn = values.ignore) -> None:
        """`warn` gets a warning for each invalid label; the snapshot is ignored."""
        self._wire = wire
        self._warn = warn

    @LazyProperty
    def service(self) -> str:
        """The API of this release: the first part of the names of its methods."""
        queries = (
            (f"{NEWEST}.query", {"paths": [NO_SNAPSHOT], "properties": None}),
            (f"{NEW}.query", [["id", "=", NO_SNAPSHOT]]),
        )
        # In parallel, so that every release costs the time of one call only.
        with ThreadPoolExecutor(max_workers=len(queries)) as pool:
            found = list(pool.map(lambda query: self._exists(*query), queries))
        return next((service for service, exists in zip((NEWEST, NEW), found, strict=True) if exists), OLD)

    def _exists(self, method: str, params: t.Any) -> bool:
        """Return whether this release has a method."""
        try:
            self._wire.read(method, params)
        except MissingLibrary:
            # A problem of this machine, not of the NAS.
            raise
        except Unsupported:
            return False
        except (NotPermitted, NotFound):
            # The middleware checks roles only for a method that exists.
            return True
        return True

    def roles(self, action: str) -> tuple[str, ...]:
        """Return the roles that allow an action on this release; any one of them is enough.

        `action` is `query`, `create`, `delete`, `rollback` or `clone`.
        """
        return ROLES[self.service][action]

    def labels(self, dataset: str) -> list[str]:
        """Return the labels of a dataset's snapshots, in no order. One call, fast for any number on other datasets."""
        if self.service == NEWEST:
            return self._valid(row["snapshot_name"] for row in self._query_resource(dataset, properties=None))
        # With only this column selected, the middleware reads this dataset instead of all datasets of all pools.
        rows = self._read([["dataset", "=", dataset]], {"select": ["name"]})
        ids = (SnapshotId.parse(row["name"]) for row in rows)
        return self._valid(each.label for each in ids if each.dataset == dataset)

    def _valid(self, labels: t.Iterable[str]) -> list[str]:
        """Return the valid labels: they become words of command lines."""
        valid = []
        for label in labels:
            if values.is_snapshot_label(label):
                valid.append(label)
            else:
                shown = values.quoted(label)
                self._warn(f"{self._wire.nas} reports a checkpoint with the invalid label {shown}: it is ignored")
        return valid

    def find_all(self, dataset: str) -> list[Snapshot]:
        """Return the snapshots of a dataset, oldest first."""
        if self.service == NEWEST:
            return sorted(self._with_clones(dataset), key=lambda each: each.txg)
        labels = self.labels(dataset)
        if not labels:
            return []
        with ThreadPoolExecutor(max_workers=min(MAX_PARALLEL, len(labels))) as pool:
            found = list(pool.map(lambda label: self.find(dataset, label), labels))
        # A snapshot may have been deleted since its label was read.
        return sorted((each for each in found if each is not None), key=lambda each: each.txg)

    def find(self, dataset: str, label: str) -> Snapshot | None:
        """Return a snapshot; None if it does not exist."""
        if self.service == NEWEST:
            return next(iter(self._with_clones(str(SnapshotId(dataset, label)))), None)
        rows = self._read([["id", "=", str(SnapshotId(dataset, label))]], {"extra": {"holds": True}})
        return snapshot(rows[0]) if rows else None

    def reject_protected(self, dataset: str) -> None:
        """Raise `Unsupported` if the release protects a dataset from snapshots. Nothing is changed.

        So does 26.0.0-RC.1 with those of containers, in each method that changes a snapshot (middleware 3b654bc0d0),
        also where there is none: other releases do not find it. An account that may not ask finds out later.
        """
        if self.service == NEWEST:
            with contextlib.suppress(NotFound, NotPermitted, Refused):
                missing = {"path": str(SnapshotId(dataset, NO_LABEL)), "tag": NO_TAG}
                self._call("release", missing, send=self._wire.read)

    def take(self, dataset: str, label: str, properties: t.Mapping[str, str]) -> Snapshot:
        """Take a snapshot with user properties. Raises `AlreadyExists` if the label is in use."""
        if self.service == NEWEST:
            options = {"dataset": dataset, "name": label, "user_properties": dict(properties)}
            return replace(resource(self._call("create", options)), properties=dict(properties))
        options = {"dataset": dataset, "name": label, "properties": dict(properties)}
        return snapshot(self._call("create", options))

    def delete(self, snapshot_id: str, *, defer: bool = False) -> None:
        """Delete a snapshot, with `defer` as soon as it has no clones and no holds.

        Raises `Invalid` if it has clones, `Refused` if it is held, and `NotFound`.
        """
        if self.service == NEWEST:
            self._call("destroy", {"path": snapshot_id, **({"defer": True} if defer else {})})
            return
        self._call("delete", snapshot_id, *([{"defer": True}] if defer else []))

    def rollback(self, snapshot_id: str, *, discard_newer: bool = False) -> None:
        """Roll a dataset back. `discard_newer` deletes its newer snapshots; clones of them are never deleted."""
        if self.service == NEWEST:
            self._call("rollback", {"path": snapshot_id, "recursive": discard_newer})
            return
        self._call("rollback", snapshot_id, {"recursive": discard_newer})

    def clone(self, snapshot_id: str, target: str) -> None:
        """Clone a snapshot to the dataset `target`. Outside `.ix-virt` the NAS mounts it at `/mnt/<target>`."""
        field_name = "dataset" if self.service == NEWEST else "dataset_dst"
        self._call("clone", {"snapshot": snapshot_id, field_name: target})

    def _read(self, filters: t.Sequence[t.Any], options: Row) -> t.Any:
        with self._role_errors("query"):
            return self._wire.read(f"{self.service}.query", filters, dict(options))

    def _query_resource(self, path: str, *, properties: t.Sequence[str] | None) -> list[Row]:
        """Return the rows of a dataset or of one snapshot; none if it does not exist."""
        query = {
            "paths": [path],
            "properties": None if properties is None else list(properties),
            "get_user_properties": properties is not None,
            "get_holds": properties is not None,
        }
        try:
            with self._role_errors("query"):
                rows: list[Row] = self._wire.read(f"{NEWEST}.query", query)
        except NotFound:
            return []
        return rows

    def _with_clones(self, path: str) -> list[Snapshot]:
        """Return the snapshots of a dataset, or one snapshot, with the clones that the datasets of the pool name."""
        rows = self._query_resource(path, properties=SHOWN)
        clones = self._clones(path.partition("/")[0]) if rows else {}
        valid = set(self._valid(row["snapshot_name"] for row in rows))
        return [resource(row, clones.get(row["name"], ())) for row in rows if row["snapshot_name"] in valid]

    def _clones(self, pool: str) -> dict[str, tuple[str, ...]]:
        """Return the clones of each snapshot in a pool; empty if the account may not see datasets."""
        query = {"paths": [pool], "get_children": True, "properties": ["origin"]}
        try:
            rows = self._wire.read("zfs.resource.query", query)
        except NotPermitted:
            return {}
        clones: dict[str, tuple[str, ...]] = {}
        for row in rows:
            origin = (row["properties"] or {}).get("origin")
            if origin and origin["raw"]:
                clones[origin["raw"]] = (*clones.get(origin["raw"], ()), row["name"])
        return clones

    def _call(self, action: str, *params: t.Any, send: t.Callable[..., t.Any] | None = None) -> t.Any:
        """Call a method that changes snapshots. `send` replaces `Wire.call`."""
        try:
            with self._role_errors(action):
                return (send or self._wire.call)(f"{self.service}.{action}", *params)
        except Invalid as error:
            if says_protected(error):
                raise Unsupported(
                    f"{self._wire.nas} does not support checkpoints of containers: this release of TrueNAS protects "
                    f"their datasets from snapshots ({error}). To keep a state, copy it out of the container, or take "
                    "recursive snapshots of the whole pool, which include it"
                ) from error
            if self.service == NEWEST and not says_cloned(error):
                # This API reports every problem of a snapshot as one of the arguments.
                raise Refused(str(error)) from error
            raise

    def _role_errors(self, action: str) -> RoleErrors:
        return RoleErrors(self.roles(ACTIONS.get(action, action)))


class RoleErrors:
    """Add the missing role to `NotPermitted` errors that are raised in a `with` block; any of several is enough."""

    def __init__(self, roles: tuple[str, ...]) -> None:
        self._roles = roles

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: t.Any, error: t.Any, _trace: t.Any) -> None:
        if isinstance(error, NotPermitted):
            error.add_suffix(f"On this release that requires the role {' or '.join(self._roles)}")


def says_protected(error: Invalid) -> bool:
    """Guess from the text whether the dataset is protected: a missing role has the same errno (EACCES)."""
    return "is a protected path" in str(error)


def says_cloned(error: Invalid) -> bool:
    """Guess from the text whether the snapshot has clones: a hold has the same errno (EBUSY)."""
    return "following clones" in str(error)


def resource(row: Row, clones: tuple[str, ...] = ()) -> Snapshot:
    """Convert a row of `zfs.resource.snapshot.query`, or the result of `create`."""
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
    """Convert a row of `zfs.snapshot.query` or `pool.snapshot.query`, or the result of `create`."""
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
