# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide when to ping a silent connection, and when to give it up; no I/O."""

from __future__ import annotations

PING_INTERVAL_S = 20.0
"""nginx on TrueNAS 25 closes a connection without traffic for 60 s, even during a job."""
PONG_TIMEOUT_S = 15.0


class Heartbeat:
    """The pings of one connection; times are seconds of a monotonic clock."""

    def __init__(self, now: float, *, every: float = PING_INTERVAL_S, within: float = PONG_TIMEOUT_S) -> None:
        self._every = every
        self._within = within
        self._next_ping = now + every
        self._pinged: float | None = None

    def is_ping_due(self, now: float) -> bool:
        """Return whether to ping now. If so, the ping counts as sent."""
        if now < self._next_ping:
            return False
        self._next_ping = now + self._every
        if self._pinged is None:
            self._pinged = now
        return True

    def is_dead(self, now: float, last_received: float) -> bool:
        """Return whether nothing was received for too long after a ping."""
        if self._pinged is not None and last_received >= self._pinged:
            self._pinged = None
        return self._pinged is not None and now - self._pinged > self._within

    def until_next(self, now: float) -> float:
        """Return the seconds until the next check."""
        due = self._next_ping if self._pinged is None else min(self._next_ping, self._pinged + self._within)
        return max(due - now, 0.05)
