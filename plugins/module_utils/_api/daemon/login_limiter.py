# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count logins to a NAS for all processes of this user, so that none exceeds the rate limit of TrueNAS."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import login_times
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import NoRuntimeDir, RuntimeDir
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import RateLimited
from ansible_collections.pixels.truenas.plugins.module_utils._api.sha256 import sha256


class LoginRateLimiter:
    """The login calls to one NAS during the last minute. TrueNAS counts each method apart, failed calls included.

    If the file cannot be used, nothing is counted, and TrueNAS rejects a login that is one too many.
    """

    def __init__(
        self,
        runtime_dir: RuntimeDir,
        endpoint: Endpoint,
        *,
        limit: int = login_times.LIMIT,
        window: float = login_times.WINDOW_S,
        clock: t.Callable[[], float] = time.time,
    ) -> None:
        """`window` is in seconds; `clock` returns seconds since the epoch."""
        self._runtime_dir = runtime_dir
        self._nas = endpoint.nas
        self._limit = limit
        self._window = window
        self._clock = clock
        self._file = f"logins-{sha256(endpoint.nas.lower().encode()).hexdigest()[:16]}"

    @property
    def path(self) -> str:
        """The path of the file with the times of the login calls."""
        return self._runtime_dir.path(self._file)

    def admit(self, method: str, params: t.Sequence[t.Any]) -> None:
        """Count a call that is about to be made. Raises `RateLimited` if it would exceed the limit."""
        needed = cost(method, params)
        if needed and not self._count(method, needed):
            raise RateLimited(f"{self._nas} allows {self._limit} logins a minute from one address; they are used up")

    def _count(self, method: str, needed: int) -> bool:
        try:
            with self._runtime_dir.locked(self._file) as file:
                return login_times.count(
                    file, method, needed, limit=self._limit, window=self._window, now=self._clock()
                )
        except (OSError, NoRuntimeDir):
            return True


def cost(method: str, params: t.Sequence[t.Any]) -> int:
    """Return how many calls to count. A SCRAM login is two calls, and starts only if there is room for both."""
    if method not in login_times.METHODS:
        return 0
    match params:
        case [{"scram_type": "CLIENT_FIRST_MESSAGE"}]:
            return 2
        case [{"scram_type": _}]:
            return 0
    return 1
