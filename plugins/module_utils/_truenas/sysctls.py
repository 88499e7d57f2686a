# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the kernel that the NAS keeps over boots: `tunable.*`."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound, NotPermitted
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import RoleErrors

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

WRITE = ("SYSTEM_TUNABLE_WRITE",)

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Sysctl:
    """A sysctl that the NAS sets."""

    name: str
    value: str
    comment: str = ""
    is_enabled: bool = True
    handle: int = 0
    """The ID of its row."""


class Sysctls:
    """The sysctls that one NAS sets. Errors name the role that an account lacks."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def find(self, names: t.Sequence[str]) -> dict[str, Sysctl] | None:
        """Return those with these names; None if the account may not read them."""
        try:
            rows = self._wire.read("tunable.query", [["var", "in", list(names)]])
        except NotPermitted:
            return None
        return {row["var"]: sysctl(row) for row in rows if row["var"] in names and row["type"] == "SYSCTL"}

    def create(self, wanted: Sysctl) -> bool:
        """Set a sysctl now and at each boot. Return false if the middleware does not know its name.

        It lists the names as it first needs them and never again, so that those of interfaces which appear later are
        unknown until the NAS restarts (plugins/tunables.py, `get_sysctls`).
        """
        row = {"type": "SYSCTL", "var": wanted.name, "value": wanted.value, "comment": wanted.comment}
        with RoleErrors(WRITE):
            try:
                self._wire.run_job("tunable.create", row, timeout=TIMEOUT_S)
            except NotFound:
                return False
        return True

    def update(self, old: Sysctl, *, value: str, comment: str) -> None:
        """Give a sysctl another value or comment, and enable it."""
        changes = {"value": value, "comment": comment, "enabled": True}
        with RoleErrors(WRITE):
            self._wire.run_job("tunable.update", old.handle, changes, timeout=TIMEOUT_S)

    def delete(self, old: Sysctl) -> None:
        """Forget a sysctl. It gets the value that it had before, if its interface still exists."""
        with RoleErrors(WRITE):
            self._wire.run_job("tunable.delete", old.handle, timeout=TIMEOUT_S)


def sysctl(row: t.Mapping[str, t.Any]) -> Sysctl:
    """Convert a row of `tunable.query`."""
    return Sysctl(row["var"], row["value"], row.get("comment") or "", bool(row.get("enabled", True)), row["id"])
