# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How measurements are shown: each beside its peer, and whether it is as quick as it has to be."""

from __future__ import annotations

import typing as t


class Row(t.NamedTuple):
    what: str
    ours: float
    peer: float
    peer_is: str
    target: float | None = None
    """How many times as long as the peer it may take; None where nothing is demanded."""
    unit: str = "s"

    @property
    def ratio(self) -> float:
        return self.ours / self.peer

    @property
    def met(self) -> bool | None:
        """Whether the target is; None where there is none."""
        return None if self.target is None else self.ratio <= self.target

    def as_json(self) -> dict[str, t.Any]:
        return {**self._asdict(), "ratio": self.ratio, "met": self.met}


def table(rows: t.Iterable[Row]) -> t.Iterator[str]:
    """A line for each, below one of headings."""
    yield f"{'what':66} {'ours':>10} {'peer':>10} {'ratio':>6} {'target':>12}  peer"
    for row in rows:
        target = "" if row.target is None else f"{row.target:g} {'met' if row.met else 'MISSED'}"
        numbers = f"{row.ours:>7.3f} {row.unit:2} {row.peer:>7.3f} {row.unit:2} {row.ratio:>6.2f} {target:>12}"
        yield f"{row.what:66} {numbers}  {row.peer_is}"


def missed(rows: t.Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.met is False]
