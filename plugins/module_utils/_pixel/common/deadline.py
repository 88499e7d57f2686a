# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limit the time that the steps of a task take together, and poll within the limit."""

from __future__ import annotations

import time
import typing as t

Value = t.TypeVar("Value")


class Deadline:
    """A point in time, `seconds` from now. Tests replace the clock and `sleep`."""

    def __init__(
        self,
        seconds: float,
        *,
        clock: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._end = clock() + seconds

    @property
    def left(self) -> float:
        """Seconds that remain, never less than 0."""
        return max(0.0, self._end - self._clock())

    def pause(self, seconds: float) -> None:
        """Sleep, at most until the deadline."""
        self._sleep(min(seconds, self.left))

    def wait_until(
        self, probe: t.Callable[[], Value | None], *, first: float = 0.05, longest: float = 1.0
    ) -> Value | None:
        """Call `probe` until it returns a value, and return that; None after the deadline.

        Pauses between calls grow from `first` to `longest` seconds.
        """
        pause = first
        while True:
            value = probe()
            if value is not None or self.left <= 0:
                return value
            self.pause(pause)
            pause = min(longest, pause * 1.5)
