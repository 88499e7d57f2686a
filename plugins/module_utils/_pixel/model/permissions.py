# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Determine what an account may do, and which roles it lacks."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import ContainerBackend, Needs
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.nas import Account

NEEDED: dict[str, tuple[tuple[str, ...], Needs]] = {
    "list": (("list",), ()),
    "manage": (("manage",), ()),
    "find_nic": ((), (("NETWORK_INTERFACE_READ",), ("NETWORK_GENERAL_READ",))),
    "provision_rootfs": ((), (("FULL_ADMIN",),)),
    "clone": ((), (("FULL_ADMIN",),)),
    "restore": (("stop",), ()),
    "restore_with_safety": ((), (("FULL_ADMIN",),)),
    "promote_clones": (("manage",), (("DATASET_WRITE",),)),
}
"""For each purpose, the keys of `backend.needs` with its roles, and roles that are the same on all releases.

An account needs one role of each tuple of roles.
"""

SWAPS_DATASETS = ("clone", "restore_with_safety", "promote_clones")
"""Purposes that require swapping the datasets of two containers, which not all releases support."""

OTHER_RELEASE = "another release of TrueNAS"

WEB_SHELL = "web shell access"
"""A setting of a privilege, not a role."""

IN_THE_WEB_SHELL: dict[str, tuple[str, ...]] = {"enter": ("enter",), "provision": ("enter", "stop")}

ON_SNAPSHOTS: dict[str, tuple[str, ...]] = {
    "checkpoint": ("query", "create"),
    "delete_checkpoint": ("query", "delete"),
    "restore": ("query", "rollback"),
    "promote_clones": ("query",),
}
"""For each purpose, the actions on snapshots. Their roles depend on the snapshot API of the release."""


class Right(t.NamedTuple):
    """Whether an account may do something, and the roles it lacks."""

    allowed: bool
    missing: tuple[str, ...]


def rights(account: Account, backend: ContainerBackend, roles: t.Callable[[str], tuple[str, ...]]) -> dict[str, Right]:
    """Return, for each purpose, whether the account has all roles.

    `roles` returns the roles that allow an action on snapshots.
    """
    found = {}
    for purpose in {**NEEDED, **ON_SNAPSHOTS}:
        own, always = NEEDED.get(purpose, ((), ()))
        needed = (
            *(need for part in own for need in backend.needs[part]),
            *always,
            *(roles(action) for action in ON_SNAPSHOTS.get(purpose, ())),
        )
        unsupported = (OTHER_RELEASE,) if backend.no_swap_reason and purpose in SWAPS_DATASETS else ()
        found[purpose] = right((*lacking(account, needed), *unsupported))
    for purpose, own in IN_THE_WEB_SHELL.items():
        needed = tuple(need for part in own for need in backend.needs[part])
        found[purpose] = right((*lacking(account, needed), *(() if account.web_shell else (WEB_SHELL,))))
    return found


def lacking(account: Account, needed: Needs) -> tuple[str, ...]:
    """Return the roles that an account lacks; alternatives are joined with "or"."""
    missing = (" or ".join(any_of) for any_of in needed if not account.may(*any_of))
    return tuple(dict.fromkeys(missing))


def right(missing: tuple[str, ...]) -> Right:
    """Return the right to something for which these roles are missing."""
    return Right(not missing, missing)
