# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count logins to a NAS for all processes of this user, so that none exceeds the rate limit of TrueNAS."""

from __future__ import annotations

import hashlib
import json
import os
import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import NoRuntimeDir, RuntimeDir
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import RateLimited

LIMIT = 20
"""Calls of one login method that TrueNAS accepts in 60 s from one address (middleware utils/rate_limit/cache.py)."""
WINDOW_S = 62.0
"""Longer than 60 s: calls that leave here within the window may arrive within less."""
MAX_FILE_BYTES = 4096

LOGIN, MECHANISMS = "auth.login_ex", "auth.mechanism_choices"
METHODS = (LOGIN, MECHANISMS)
CallTimes = dict[str, list[float]]
"""By method, in seconds since the epoch."""


class LoginRateLimiter:
    """The login calls to one NAS during the last minute. TrueNAS counts each method apart, failed calls included.

    If the file cannot be used, nothing is counted, and TrueNAS rejects a login that is one too many.
    """

    def __init__(
        self,
        runtime_dir: RuntimeDir,
        endpoint: Endpoint,
        *,
        limit: int = LIMIT,
        window: float = WINDOW_S,
        clock: t.Callable[[], float] = time.time,
    ) -> None:
        """`window` is in seconds; `clock` returns seconds since the epoch."""
        self._runtime_dir = runtime_dir
        self._nas = endpoint.nas
        self._limit = limit
        self._window = window
        self._clock = clock
        self._file = f"logins-{hashlib.sha256(endpoint.nas.lower().encode()).hexdigest()[:16]}"

    def admit(self, method: str, params: t.Sequence[t.Any]) -> None:
        """Count a call that is about to be made. Raises `RateLimited` if it would exceed the limit."""
        needed = cost(method, params)
        if needed and not self._count(method, needed):
            raise RateLimited(f"{self._nas} allows {self._limit} logins a minute from one address; they are used up")

    def _count(self, method: str, needed: int) -> bool:
        try:
            with self._runtime_dir.locked(self._file) as file:
                now = self._clock()
                # Times in the future are dropped: the clock was set back.
                recent = {
                    name: [called for called in times if now - self._window < called <= now]
                    for name, times in _read(file).items()
                }
                if len(recent[method]) + needed > self._limit:
                    return False
                recent[method] += [now] * needed
                _write(file, recent)
        except (OSError, NoRuntimeDir):
            return True
        return True


def cost(method: str, params: t.Sequence[t.Any]) -> int:
    """Return how many calls to count. A SCRAM login is two calls, and starts only if there is room for both."""
    if method not in METHODS:
        return 0
    match params:
        case [{"scram_type": "CLIENT_FIRST_MESSAGE"}]:
            return 2
        case [{"scram_type": _}]:
            return 0
    return 1


def _read(file: int) -> CallTimes:
    """Return the recorded calls; invalid content is ignored."""
    text = os.pread(file, MAX_FILE_BYTES, 0)
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    by_method = content if isinstance(content, dict) else {}
    times_of = {name: by_method.get(name) for name in METHODS}
    return {
        name: [called for called in times if isinstance(called, float)] if isinstance(times, list) else []
        for name, times in times_of.items()
    }


def _write(file: int, times: CallTimes) -> None:
    text = json.dumps(times).encode()
    os.ftruncate(file, 0)
    os.pwrite(file, text, 0)
