# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a stop waits on TrueNAS 26 is a setting of the container: changed for one stop, and put back."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    NotFound,
    OutcomeUnknown,
    PixelsError,
    TimedOut,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

UNKNOWN = (OutcomeUnknown, TimedOut)
"""After these, what was asked for may be done."""


@contextlib.contextmanager
def borrowed(wire: Wire, row: t.Mapping[str, t.Any], seconds: int) -> t.Iterator[None]:
    """Have it C(seconds) long meanwhile; put back whatever becomes of the stop, and of the change itself."""
    usual = row["shutdown_timeout"]
    if usual == seconds:
        yield
        return
    begun = False
    try:
        wire.call("container.update", row["id"], {"shutdown_timeout": seconds})
        begun = True
        yield
    except BaseException as error:
        if begun or not isinstance(error, PixelsError) or isinstance(error, UNKNOWN):
            put_back_after(error, wire, row)
        raise
    put_back(wire, row)


def put_back_after(error: BaseException, wire: Wire, row: t.Mapping[str, t.Any]) -> None:
    """The same after a failure, which is told whatever becomes of it."""
    try:
        put_back(wire, row)
    except PixelsError as another:
        if isinstance(error, PixelsError):
            error.args = (f"{error}. Besides, {another}", *error.args[1:])


def put_back(wire: Wire, row: t.Mapping[str, t.Any]) -> None:
    usual = row["shutdown_timeout"]
    for last in (False, True):
        try:
            wire.call("container.update", row["id"], {"shutdown_timeout": usual})
        except NotFound:
            # One that is gone meanwhile needs nothing.
            return
        except PixelsError as error:
            # To ask for the same again harms nobody, and an answer that was lost costs nothing then.
            if last:
                told = f"the shutdown timeout of {row['name']} on {wire.nas} may be another than {usual} s now"
                error.args = (f"{told}: put it back in the TrueNAS web interface ({error})", *error.args[1:])
                raise
        else:
            return
