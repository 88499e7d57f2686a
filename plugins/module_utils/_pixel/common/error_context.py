# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add to an error what failed."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint


@contextmanager
def trying(what: str, *hints: Hint) -> t.Iterator[None]:
    """Prefix the message of an error raised inside with `what`, and add `hints` if it has none."""
    try:
        yield
    except PixelsError as error:
        error.add_prefix(what)
        error.hints = error.hints or hints
        raise
