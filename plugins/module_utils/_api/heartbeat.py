# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a silent connection is asked for a sign of life, and when it is given up; no I/O."""

from __future__ import annotations

# nginx in front of TrueNAS 25 cuts a connection that carried nothing for 60 s, even in the middle of a job.
PING_EVERY = 20.0
PONG_WITHIN = 15.0


class Heartbeat:
    """The pulse of one connection; times are seconds of a monotonic clock."""

    def __init__(self, now: float, *, every: float = PING_EVERY, within: float = PONG_WITHIN) -> None:
        self._every = every
        self._within = within
        self._next_ping = now + every
        self._pinged: float | None = None

    def is_ping_due(self, now: float) -> bool:
        """Whether to ping now; counts as done when it answers true."""
        if now < self._next_ping:
            return False
        self._next_ping = now + self._every
        if self._pinged is None:
            self._pinged = now
        return True

    def is_dead(self, now: float, last_heard: float) -> bool:
        """Whether a ping stayed without any sign of life for too long."""
        if self._pinged is not None and last_heard >= self._pinged:
            self._pinged = None
        return self._pinged is not None and now - self._pinged > self._within

    def until_next(self, now: float) -> float:
        """How long, in seconds, nothing needs to be done."""
        due = self._next_ping if self._pinged is None else min(self._next_ping, self._pinged + self._within)
        return max(due - now, 0.05)
