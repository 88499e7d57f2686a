# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was being tried when something went wrong: the first half of a good error message."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError


@contextmanager
def trying(what: str) -> t.Iterator[None]:
    """Put C(what) in front of the message of any error raised inside, and leave its kind as it is."""
    try:
        yield
    except PixelsError as error:
        error.args = (f"{what}: {error}", *error.args[1:])
        raise
