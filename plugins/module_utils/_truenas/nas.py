# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The NAS itself: its release, and what an account may do there."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire


@dataclass(frozen=True)
class Account:
    """Who is logged in, with all roles its privileges add up to."""

    username: str
    roles: frozenset[str]
    web_shell: bool

    def may(self, *roles: str) -> bool:
        """Whether the account has one of these roles, or all rights."""
        return "FULL_ADMIN" in self.roles or not self.roles.isdisjoint(roles)


def release(wire: Wire) -> str:
    """Such as C(25.10.6); two to four numbers, and a suffix on a beta."""
    return str(wire.read("system.version_short"))


def account(wire: Wire) -> Account:
    row = wire.read("auth.me")
    privilege = row["privilege"] or {"roles": (), "web_shell": False}
    return Account(row["pw_name"], frozenset(privilege["roles"]), bool(privilege["web_shell"]))
