# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of a shell that strike after a number of bytes in one direction."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from tests.simulator.faults import Fault, Faults

INPUT, OUTPUT, CONNECTION = "input", "output", "connection"
Strike = t.Callable[[], None]


@dataclass
class Armed:
    side: str
    left: int
    """Bytes that still pass."""


class Troubles:
    """`strikes` are what can happen to a shell, by the names of the faults; a fault counts from when it is noticed."""

    def __init__(self, faults: Faults, container: str, strikes: dict[str, Strike]) -> None:
        self._faults = faults
        self._container = container
        self._strikes = strikes
        self._armed: dict[str, Armed] = {}

    def notice(self, side: str, size: int) -> tuple[int, list[Strike]]:
        """How many of these bytes still pass, and what happens after them."""
        passing, struck = size, []
        for name, strike in self._strikes.items():
            armed = self._armed.get(name) or self._arm(name, side)
            if armed is None or armed.side != side:
                continue
            if size < armed.left:
                armed.left -= size
                continue
            passing = min(passing, armed.left)
            self._armed.pop(name, None)
            struck.append(strike)
        return passing, struck

    def _arm(self, name: str, side: str) -> Armed | None:
        fault = self._faults.take(name, self._container, when=lambda fault: _side(fault) in (None, side))
        if fault is None:
            return None
        armed = self._armed[name] = Armed(side, fault.details.get(f"after_{side}", 0))
        return armed


def _side(fault: Fault) -> str | None:
    return next((side for side in (INPUT, OUTPUT) if f"after_{side}" in fault.details), None)
