# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file with the times of the recent login calls to a NAS, with few imports."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    CallTimes = dict[str, list[float]]
    """By method, in seconds since the epoch."""

LIMIT = 20
"""Calls of one login method that TrueNAS accepts in 60 s from one address (middleware utils/rate_limit/cache.py)."""
WINDOW_S = 62.0
"""Longer than 60 s: calls that leave here within the window may arrive within less."""
MAX_FILE_BYTES = 4096

LOGIN, MECHANISMS = "auth.login_ex", "auth.mechanism_choices"
METHODS = (LOGIN, MECHANISMS)


def count(file: int, method: str, needed: int = 1, *, now: float, limit: int = LIMIT, window: float = WINDOW_S) -> bool:
    """Count calls that are about to be made. Return false, and count none, if they would exceed the limit.

    `file` is the descriptor of the file, locked by the caller; times are in seconds.
    """
    # Times in the future are dropped: the clock was set back.
    recent = {name: [called for called in times if now - window < called <= now] for name, times in _read(file).items()}
    if len(recent[method]) + needed > limit:
        return False
    recent[method] += [now] * needed
    _write(file, recent)
    return True


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
