# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute a value once, even if several threads request it at the same time."""

from __future__ import annotations

import threading
import typing as t

Key = t.TypeVar("Key", bound=t.Hashable)
Value = t.TypeVar("Value")


class SingleFlight(t.Generic[Key, Value]):
    """Values by key. The first thread that requests a value computes it, and the others wait for it."""

    def __init__(self) -> None:
        self._locks: dict[Key, threading.Lock] = {}
        self._values: dict[Key, Value] = {}

    def get(
        self, key: Key, compute: t.Callable[[], Value], *, keep: t.Callable[[Value], bool] = lambda _value: True
    ) -> Value:
        """Return the value of a key. It is computed again if `compute` raised an error or `keep` returned False."""
        with self._locks.setdefault(key, threading.Lock()):
            if key in self._values:
                return self._values[key]
            value = compute()
            if keep(value):
                self._values[key] = value
            return value
