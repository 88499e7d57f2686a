# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ZFS datasets of containers, which the public dataset API hides: mostly through the middleware's private one."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import NamingTheRole

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

PRIVATE = ("FULL_ADMIN",)
PROMOTE = ("DATASET_WRITE",)


@dataclass(frozen=True)
class Dataset:
    """A dataset as the NAS has it."""

    name: str
    origin: str = ""
    """The snapshot it is a clone of; a container's own is that of its image."""
    txg: int = 0
    """When it was made, whatever it was called then: grows with time."""


def exists(wire: Wire, name: str) -> bool:
    """Whether there is a dataset of that name (C(zfs.dataset.query): FULL_ADMIN)."""
    return find(wire, name) is not None


def find(wire: Wire, name: str) -> Dataset | None:
    """C(zfs.dataset.query): FULL_ADMIN."""
    found = query(wire, ["id", "=", name], {"retrieve_children": False})
    return found[0] if found else None


def starting_with(wire: Wire, prefix: str) -> list[Dataset]:
    """The datasets whose names begin like that, oldest first; the NAS looks through all it has."""
    return sorted(query(wire, ["id", "^", prefix], {}), key=lambda each: each.txg)


def query(wire: Wire, which: list[str], how: dict[str, t.Any]) -> list[Dataset]:
    extra = {**how, "properties": ["origin", "createtxg"], "user_properties": False}
    with NamingTheRole(PRIVATE):
        rows = wire.read("zfs.dataset.query", [which], {"extra": extra, "select": ["id", "properties"]})
    return [dataset(row) for row in rows]


def dataset(row: t.Mapping[str, t.Any]) -> Dataset:
    properties = row["properties"]
    return Dataset(row["id"], properties["origin"]["rawvalue"], int(properties["createtxg"]["rawvalue"]))


def rename(wire: Wire, name: str, new: str) -> None:
    """Give a dataset another place in its pool, snapshots and all (C(zfs.dataset.rename): FULL_ADMIN).

    ZFS mounts it anew where its new parent says; below C(.ix-virt) it is Incus that mounts, at the next start.
    """
    with NamingTheRole(PRIVATE):
        wire.call("zfs.dataset.rename", name, {"new_name": new})


def delete(wire: Wire, name: str, *, with_snapshots: bool = False) -> None:
    """Destroy a dataset, but nothing that was made from it; none of that name is no error.

    C(zfs.dataset.delete): FULL_ADMIN. Raises C(Refused) for snapshots in it, unless they may go too.
    """
    try:
        with NamingTheRole(PRIVATE):
            wire.call("zfs.dataset.delete", name, {"recursive": with_snapshots})
    except NotFound:
        return
    except Refused as error:
        # The middleware passes on the text of zfs(8) and no errno of its own.
        if "dataset does not exist" not in str(error):
            raise


def promote(wire: Wire, name: str) -> None:
    """Let a clone take over the snapshot it was made from, and the older ones (C(pool.dataset.promote))."""
    with NamingTheRole(PROMOTE):
        wire.call("pool.dataset.promote", name)
