# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the current and the desired state: `changed`, the diff and check mode all come from one value."""

from __future__ import annotations

import typing as t

State = t.Optional[t.Mapping[str, t.Any]]


class Change(t.NamedTuple):
    """The state before and after, as plain values for a diff; None means absent."""

    before: State
    after: State
    always: bool = False
    """Whether there is something to do even if both states are equal, such as a restart."""

    @property
    def needed(self) -> bool:
        """Whether there is something to do."""
        return self.always or self.before != self.after

    def touches(self, *names: str) -> dict[str, t.Any]:
        """Return the given keys that change, with their new values."""
        before, after = self.before or {}, self.after or {}
        return {name: after[name] for name in names if name in after and after[name] != before.get(name)}

    def result(self) -> dict[str, t.Any]:
        """Return `changed` and `diff` as a task returns them."""
        return {"changed": self.needed, "diff": {"before": dict(self.before or {}), "after": dict(self.after or {})}}
