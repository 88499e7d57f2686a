# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The second half of an error message: the state of the pixel after the failure, and what to do next."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    JobAborted,
    PixelsError,
    may_still_happen,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

ANSWER_WITHIN_S = 10.0
"""Seconds that the NAS may take to report the state of the pixel, while the user waits for the error."""

RUN_AGAIN = Hint.run_again("to finish it")
REMOVE_THE_CAUSE = Hint.run_again(after="remove the cause")


@contextmanager
def reporting_state(pixels: Pixels, name: PixelName) -> t.Iterator[None]:
    """Append to any error raised inside the current state of the pixel, and a hint unless the error has one.

    Wrap what changes a pixel in it, once per pixel; errors before that have changed nothing. `name` is the full name.
    """
    try:
        yield
    except PixelsError as error:
        error.add_suffix(state(pixels, name, error))
        if not error.hints:
            passing = may_still_happen(error) or isinstance(error, (ConnectionFailed, JobAborted))
            error.hints = (RUN_AGAIN if passing else REMOVE_THE_CAUSE,)
        raise


@contextmanager
def reporting_progress(done: t.Sequence[str]) -> t.Iterator[None]:
    """Append to any error raised inside what was already set up."""
    try:
        yield
    except PixelsError as error:
        if done:
            error.add_suffix(f"Already written: {', '.join(done)}")
        raise


def state(pixels: Pixels, name: PixelName, error: PixelsError) -> str:
    """Return a sentence with the state of the pixel after `error`."""
    bare = name.bare
    try:
        found = pixels.containers.find(name, timeout=ANSWER_WITHIN_S)
    except PixelsError as another:
        return f"The state of {bare} could not be read ({another.message})"
    now = f"{bare} is now {found.status}" if found else f"{bare} does not exist now"
    ran = ", and ran before" if found and found.ran and not found.running else ""
    if may_still_happen(error):
        return f"{now}{ran}, which may still change: the NAS may still execute the request"
    return f"{now}{ran}"
