# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limit calls of connections without a login (middleware utils/rate_limit/cache.py)."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

MAX_WINDOWS = 100
TABLE_SECONDS = 600.0
"""A periodic task of the middleware empties the table."""

Clock = t.Callable[[], float]


@dataclass
class Window:
    started: float
    calls: int = 0


class RateLimit:
    """Fixed windows, one for each method and address; successful logins count like failed ones."""

    def __init__(self, limit: int, seconds: float, *, clock: Clock = time.monotonic) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._windows: dict[tuple[str, str], Window] = {}
        self._emptied = clock()

    def exceeded(self, method: str, address: str) -> bool:
        """Count one call and say whether it is one too many."""
        now = self._clock()
        if now - self._emptied >= TABLE_SECONDS:
            self.forget()
        key = (method, address)
        # with a full table, every caller is rejected
        if len(self._windows) >= MAX_WINDOWS:
            return True
        window = self._windows.get(key)
        if window is None or now - window.started >= self._seconds:
            window = self._windows[key] = Window(now)
        window.calls += 1
        return window.calls > self._limit

    def forget(self) -> None:
        self._windows.clear()
        self._emptied = self._clock()
