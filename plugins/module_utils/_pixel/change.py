# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task found and what it wants: the one value that changed, diff and check mode come from."""

from __future__ import annotations

import typing as t

State = t.Optional[t.Mapping[str, t.Any]]


class Change(t.NamedTuple):
    """Before and after, as plain values for a diff; None means that the thing is absent."""

    before: State
    after: State
    always: bool = False
    """For what is done even though it looks the same afterwards, such as a restart."""

    @property
    def needed(self) -> bool:
        return self.always or self.before != self.after

    def touches(self, *names: str) -> dict[str, t.Any]:
        """Which of these are to be changed, with their new values."""
        before, after = self.before or {}, self.after or {}
        return {name: after[name] for name in names if name in after and after[name] != before.get(name)}

    def result(self) -> dict[str, t.Any]:
        return {"changed": self.needed, "diff": {"before": dict(self.before or {}), "after": dict(self.after or {})}}
