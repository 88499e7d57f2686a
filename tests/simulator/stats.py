# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters of what clients have done."""

from __future__ import annotations

import collections
import typing as t
from dataclasses import dataclass, field

LOGIN_METHODS = frozenset({"auth.login", "auth.login_ex", "auth.login_with_api_key", "auth.login_with_token"})


@dataclass
class Stats:
    logins: int = 0
    """Successful ones."""
    login_attempts: int = 0
    """Calls of a login method, successful or not; they count toward the rate limit."""
    rate_limited: int = 0
    """Calls without login that were refused because of it."""
    connections: int = 0
    """Websockets opened since the start."""
    open_connections: int = 0
    shells: int = 0
    """Web shells that got connected."""
    open_shells: int = 0
    most_in_flight: int = 0
    """The maximum number of concurrent calls of one connection."""
    calls: collections.Counter[str] = field(default_factory=collections.Counter)
    methods_called: list[str] = field(default_factory=list)

    def called(self, method: str, *, in_flight: int) -> None:
        self.calls[method] += 1
        self.methods_called.append(method)
        self.login_attempts += method in LOGIN_METHODS
        self.most_in_flight = max(self.most_in_flight, in_flight)

    def reset(self) -> None:
        """Open connections and shells stay open."""
        self.logins = self.login_attempts = self.rate_limited = 0
        self.connections = self.shells = self.most_in_flight = 0
        self.calls.clear()
        self.methods_called.clear()

    def as_json(self) -> dict[str, t.Any]:
        return {
            "logins": self.logins,
            "login_attempts": self.login_attempts,
            "rate_limited": self.rate_limited,
            "connections": self.connections,
            "open_connections": self.open_connections,
            "shells": self.shells,
            "open_shells": self.open_shells,
            "most_in_flight": self.most_in_flight,
            "calls": dict(self.calls),
            "methods_called": list(self.methods_called),
        }
