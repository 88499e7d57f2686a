# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account of the NAS needs to be allowed for what this collection does."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import ContainerBackend, Needs
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.nas import Account

# Each purpose with what of it the backend says roles for, and with roles that are the same on every release; of the
# roles in one tuple any will do.
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

# What no role brings where a container cannot change places with another.
TAKES_ANOTHER = ("clone", "restore_with_safety", "promote_clones")
NOWHERE = "another release of TrueNAS"

# A privilege of its own, and no role.
WEB_SHELL = "web shell access"
IN_THE_SHELL: dict[str, tuple[str, ...]] = {"enter": ("enter",), "provision": ("enter", "stop")}

# What is needed besides depends on which API the release has for snapshots: each purpose with its actions there.
ON_SNAPSHOTS: dict[str, tuple[str, ...]] = {
    "checkpoint": ("query", "create"),
    "delete_checkpoint": ("query", "delete"),
    "restore": ("query", "rollback"),
    "promote_clones": ("query",),
}


class Right(t.NamedTuple):
    allowed: bool
    missing: tuple[str, ...]


def rights(account: Account, backend: ContainerBackend, roles: t.Callable[[str], tuple[str, ...]]) -> dict[str, Right]:
    """Whether the account may do each of these, and the roles it would have to be given.

    C(roles) answers which roles allow an action on snapshots.
    """
    found = {}
    for purpose in {**NEEDED, **ON_SNAPSHOTS}:
        own, always = NEEDED.get(purpose, ((), ()))
        needed = (
            *(each for part in own for each in backend.needs[part]),
            *always,
            *(roles(action) for action in ON_SNAPSHOTS.get(purpose, ())),
        )
        nowhere = (NOWHERE,) if backend.fixed and purpose in TAKES_ANOTHER else ()
        found[purpose] = right((*lacking(account, needed), *nowhere))
    for purpose, own in IN_THE_SHELL.items():
        needed = tuple(each for part in own for each in backend.needs[part])
        found[purpose] = right((*lacking(account, needed), *(() if account.web_shell else (WEB_SHELL,))))
    return found


def lacking(account: Account, needed: Needs) -> tuple[str, ...]:
    missing = (" or ".join(any_of) for any_of in needed if not account.may(*any_of))
    return tuple(dict.fromkeys(missing))


def right(missing: tuple[str, ...]) -> Right:
    return Right(not missing, missing)
