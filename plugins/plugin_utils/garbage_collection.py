# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switch garbage collection off where it would only take time."""

from __future__ import annotations

import contextlib
import gc
import typing as t


@contextlib.contextmanager
def without_garbage_collection() -> t.Iterator[None]:
    """Switch garbage collection off: all objects are kept here, and each collection looks at all of them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
