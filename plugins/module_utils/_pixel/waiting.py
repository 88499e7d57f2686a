# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting: one deadline for all that a task waits for, and one way to poll."""

from __future__ import annotations

import time
import typing as t

Found = t.TypeVar("Found")


class Deadline:
    """A number of seconds that runs down over several steps; the clock is an argument, so that tests need not wait."""

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
        """Sleep, but not past the end."""
        self._sleep(min(seconds, self.left))

    def wait_until(
        self, look: t.Callable[[], Found | None], *, first: float = 0.05, longest: float = 1.0
    ) -> Found | None:
        """What C(look) finds, asked again until it finds something; None when time is up.

        Pauses grow from C(first) to C(longest) seconds: quick where things are quick, easy on the NAS where not.
        """
        pause = first
        while True:
            found = look()
            if found is not None or self.left <= 0:
                return found
            self.pause(pause)
            pause = min(longest, pause * 1.5)
