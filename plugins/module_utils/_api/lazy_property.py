# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties that are computed once for each object, also if several threads use the object.

In Python 3.11, `functools.cached_property` has one lock for all objects of a class, so that a NAS that does not answer
delays those of other threads. From Python 3.12 on it has none, so that threads compute the value of one object twice.
"""

from __future__ import annotations

import threading
import typing as t

Value = t.TypeVar("Value")


class LazyProperty(t.Generic[Value]):
    """A property with a lock for each object. If the computation fails, the next access repeats it."""

    def __init__(self, compute: t.Callable[[t.Any], Value]) -> None:
        """Compute the value with a method of the object."""
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    @t.overload
    def __get__(self, instance: None, owner: type) -> LazyProperty[Value]: ...

    @t.overload
    def __get__(self, instance: object, owner: type) -> Value: ...

    def __get__(self, instance: object | None, owner: type) -> LazyProperty[Value] | Value:
        """Return the value. Later accesses find it in the object itself."""
        if instance is None:
            return self
        values = vars(instance)
        with values.setdefault(f"{self._name} lock", threading.RLock()):
            if self._name not in values:
                values[self._name] = self._compute(instance)
            value: Value = values[self._name]
            return value
