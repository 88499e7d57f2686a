# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ZFS datasets of containers, which the public dataset API hides: mostly through the middleware's private one."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import NamingTheRole

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

PRIVATE = ("FULL_ADMIN",)
PROMOTE = ("DATASET_WRITE",)


def exists(wire: Wire, name: str) -> bool:
    """Whether there is a dataset of that name (C(zfs.dataset.query): FULL_ADMIN)."""
    with NamingTheRole(PRIVATE):
        extra = {"retrieve_children": False, "retrieve_properties": False}
        return bool(wire.read("zfs.dataset.query", [["id", "=", name]], {"extra": extra, "select": ["id"]}))


def starting_with(wire: Wire, prefix: str) -> list[str]:
    """The datasets whose names begin like that, in the order of their names; the NAS looks through all it has."""
    with NamingTheRole(PRIVATE):
        extra = {"retrieve_properties": False}
        rows = wire.read("zfs.dataset.query", [["id", "^", prefix]], {"extra": extra, "select": ["id"]})
    return sorted(row["id"] for row in rows)


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
