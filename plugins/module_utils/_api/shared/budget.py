# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many logins the NAS still takes: counted in a file, for all processes of this user."""

from __future__ import annotations

import hashlib
import json
import os
import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import RateLimited
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.rendezvous import NoRendezvous, Rendezvous

# TrueNAS takes 20 calls of a login method in 60 s from one address (middleware utils/rate_limit). What leaves here
# within 60 s may arrive within less, hence the margin.
LIMIT = 20
WINDOW = 62.0
LONGEST_FILE = 4096

LOGIN, MECHANISMS = "auth.login_ex", "auth.mechanism_choices"
METHODS = (LOGIN, MECHANISMS)
Moments = dict[str, list[float]]


class LoginBudget:
    """The calls that a login takes of the last minute, to one NAS; times are seconds since the epoch.

    TrueNAS has a window for each method, whatever comes of a call.
    Where the file cannot be used nothing is counted: TrueNAS itself says when it is enough.
    """

    def __init__(
        self,
        rendezvous: Rendezvous,
        endpoint: Endpoint,
        *,
        limit: int = LIMIT,
        window: float = WINDOW,
        clock: t.Callable[[], float] = time.time,
    ) -> None:
        self._rendezvous = rendezvous
        self._nas = endpoint.nas
        self._limit = limit
        self._window = window
        self._clock = clock
        self._file = f"logins-{hashlib.sha256(endpoint.nas.lower().encode()).hexdigest()[:16]}"

    def admit(self, method: str, params: t.Sequence[t.Any]) -> None:
        """Count a call that is about to be made, or raise RateLimited where it would be one too many."""
        needed = cost(method, params)
        if needed and not self._take(method, needed):
            raise RateLimited(f"{self._nas} allows {self._limit} logins a minute from one address; they are used up")

    def _take(self, method: str, needed: int) -> bool:
        try:
            with self._rendezvous.locked(self._file) as file:
                now = self._clock()
                # The clock may have been set back: what lies ahead counts for nothing.
                spent = {
                    name: [moment for moment in moments if now - self._window < moment <= now]
                    for name, moments in _moments(file).items()
                }
                if len(spent[method]) + needed > self._limit:
                    return False
                spent[method] += [now] * needed
                _write(file, spent)
        except (OSError, NoRendezvous):
            return True
        return True


def cost(method: str, params: t.Sequence[t.Any]) -> int:
    """How often a call counts; a SCRAM login is two calls, and is begun only where there is room for both."""
    if method not in METHODS:
        return 0
    match params:
        case [{"scram_type": "CLIENT_FIRST_MESSAGE"}]:
            return 2
        case [{"scram_type": _}]:
            return 0
    return 1


def _moments(file: int) -> Moments:
    """By method, all of them; what makes no sense counts for nothing."""
    text = os.pread(file, LONGEST_FILE, 0)
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    by_method = found if isinstance(found, dict) else {}
    listed = {name: by_method.get(name) for name in METHODS}
    return {
        name: [moment for moment in moments if isinstance(moment, float)] if isinstance(moments, list) else []
        for name, moments in listed.items()
    }


def _write(file: int, moments: Moments) -> None:
    text = json.dumps(moments).encode()
    os.ftruncate(file, 0)
    os.pwrite(file, text, 0)
