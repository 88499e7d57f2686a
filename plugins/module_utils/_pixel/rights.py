# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account of the NAS needs to be allowed for what this collection does."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.nas import Account

# Each purpose with the roles it needs; of the roles in one tuple any will do (middleware role tables, 25.04 and 25.10).
NEEDED: dict[str, tuple[tuple[str, ...], ...]] = {
    "list": (("VIRT_GLOBAL_READ",), ("VIRT_INSTANCE_READ",)),
    "manage": (("VIRT_INSTANCE_WRITE",),),
    "find_nic": (("NETWORK_INTERFACE_READ",), ("NETWORK_GENERAL_READ",)),
    "provision_rootfs": (("FULL_ADMIN",),),
    "clone": (("FULL_ADMIN",),),
    "restore": (("VIRT_INSTANCE_WRITE",),),
    "restore_with_safety": (("FULL_ADMIN",),),
    "promote_clones": (("VIRT_INSTANCE_WRITE",), ("DATASET_WRITE",)),
}

# A privilege of its own, and no role.
WEB_SHELL = "web shell access"
IN_THE_SHELL: dict[str, tuple[tuple[str, ...], ...]] = {
    "enter": (),
    "provision": (("VIRT_INSTANCE_WRITE",),),
}

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


def rights(account: Account, roles: t.Callable[[str], tuple[str, ...]]) -> dict[str, Right]:
    """Whether the account may do each of these, and the roles it would have to be given.

    C(roles) answers which roles allow an action on snapshots.
    """
    found = {}
    for purpose in {**NEEDED, **ON_SNAPSHOTS}:
        needed = (*NEEDED.get(purpose, ()), *(roles(action) for action in ON_SNAPSHOTS.get(purpose, ())))
        missing = tuple(" or ".join(any_of) for any_of in needed if not account.may(*any_of))
        found[purpose] = Right(not missing, missing)
    for purpose, needed in IN_THE_SHELL.items():
        missing = tuple(" or ".join(roles) for roles in needed if not account.may(*roles))
        missing += () if account.web_shell else (WEB_SHELL,)
        found[purpose] = Right(not missing, missing)
    return found
