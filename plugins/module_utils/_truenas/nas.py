# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The NAS itself: its release, and what an account may do there."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotPermitted

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire


@dataclass(frozen=True)
class Account:
    """The account of a session, with the roles of all its privileges."""

    username: str
    roles: frozenset[str]
    web_shell: bool

    def may(self, *roles: str) -> bool:
        """Return whether the account has one of these roles, or FULL_ADMIN."""
        return "FULL_ADMIN" in self.roles or not self.roles.isdisjoint(roles)


def release(wire: Wire) -> str:
    """Return the release, such as `25.10.6`: two to four numbers, with a suffix on a beta."""
    return str(wire.read("system.version_short"))


def clock(wire: Wire) -> datetime.datetime | None:
    """Return the time of the NAS, in UTC and whole seconds; None if the account has not the role READONLY_ADMIN."""
    try:
        found: datetime.datetime = wire.read("system.info")["datetime"]
    except NotPermitted:
        return None
    return found


def account(wire: Wire) -> Account:
    """Return the account of the session."""
    row = wire.read("auth.me")
    privilege = row["privilege"] or {"roles": (), "web_shell": False}
    return Account(row["pw_name"], frozenset(privilege["roles"]), bool(privilege["web_shell"]))
