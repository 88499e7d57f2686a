# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Format measurements: each with its baseline, the ratio and the target."""

from __future__ import annotations

import typing as t


class Row(t.NamedTuple):
    what: str
    ours: float
    peer: float
    peer_is: str
    target: float | None = None
    """Maximum ratio to the baseline; None without a target."""
    unit: str = "s"

    @property
    def ratio(self) -> float:
        return self.ours / self.peer

    @property
    def met(self) -> bool | None:
        """Whether the ratio is within the target; None without a target."""
        return None if self.target is None else self.ratio <= self.target

    def as_json(self) -> dict[str, t.Any]:
        return {**self._asdict(), "ratio": self.ratio, "met": self.met}


def table(rows: t.Iterable[Row]) -> t.Iterator[str]:
    """Yield the lines of a table with a heading."""
    yield f"{'what':66} {'ours':>10} {'peer':>10} {'ratio':>6} {'target':>12}  peer"
    for row in rows:
        target = "" if row.target is None else f"{row.target:g} {'met' if row.met else 'MISSED'}"
        numbers = f"{row.ours:>7.3f} {row.unit:2} {row.peer:>7.3f} {row.unit:2} {row.ratio:>6.2f} {target:>12}"
        yield f"{row.what:66} {numbers}  {row.peer_is}"


def missed(rows: t.Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.met is False]
