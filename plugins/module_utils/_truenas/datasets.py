# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ZFS datasets of containers. The public API hides them, so most calls use the private `zfs.dataset.*`."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import RoleErrors

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

PRIVATE = ("FULL_ADMIN",)
PROMOTE = ("DATASET_WRITE",)


@dataclass(frozen=True)
class Dataset:
    """A dataset on the NAS."""

    name: str
    origin: str = ""
    """The snapshot it is a clone of; for a new container, that of its image."""
    txg: int = 0
    """The transaction group of its creation, which a rename does not change."""


def exists(wire: Wire, name: str) -> bool:
    """Return whether a dataset exists. `zfs.dataset.query` requires FULL_ADMIN."""
    return find(wire, name) is not None


def find(wire: Wire, name: str) -> Dataset | None:
    """Return a dataset; None if it does not exist. `zfs.dataset.query` requires FULL_ADMIN."""
    found = query(wire, ["id", "=", name], retrieve_children=False)
    return found[0] if found else None


def find_by_prefix(wire: Wire, prefix: str) -> list[Dataset]:
    """Return the datasets whose names start with `prefix`, oldest first. The NAS searches all its datasets."""
    return sorted(query(wire, ["id", "^", prefix]), key=lambda each: each.txg)


def query(wire: Wire, condition: list[str], **extra: bool) -> list[Dataset]:
    """Return the datasets that match a condition of query filters; `extra` are further options of the query."""
    options = {**extra, "properties": ["origin", "createtxg"], "user_properties": False}
    with RoleErrors(PRIVATE):
        rows = wire.read("zfs.dataset.query", [condition], {"extra": options, "select": ["id", "properties"]})
    return [dataset(row) for row in rows]


def dataset(row: t.Mapping[str, t.Any]) -> Dataset:
    """Convert a row of `zfs.dataset.query`."""
    properties = row["properties"]
    return Dataset(row["id"], properties["origin"]["rawvalue"], int(properties["createtxg"]["rawvalue"]))


def rename(wire: Wire, name: str, new: str) -> None:
    """Rename a dataset with its snapshots. `zfs.dataset.rename` requires FULL_ADMIN.

    ZFS mounts it again below its new parent; below `.ix-virt`, Incus mounts it when the container starts.
    """
    with RoleErrors(PRIVATE):
        wire.call("zfs.dataset.rename", name, {"new_name": new})


def delete(wire: Wire, name: str, *, with_snapshots: bool = False) -> None:
    """Destroy a dataset if it exists. Its clones are never destroyed.

    `zfs.dataset.delete` requires FULL_ADMIN. Raises `Refused` if it has snapshots, unless `with_snapshots` is set.
    """
    try:
        with RoleErrors(PRIVATE):
            wire.call("zfs.dataset.delete", name, {"recursive": with_snapshots})
    except NotFound:
        return
    except Refused as error:
        # The middleware passes on the text of zfs(8) without an errno.
        if "dataset does not exist" not in str(error):
            raise


def promote(wire: Wire, name: str) -> None:
    """Promote a clone: the snapshot it was made from and older ones become its own (`pool.dataset.promote`)."""
    with RoleErrors(PROMOTE):
        wire.call("pool.dataset.promote", name)
