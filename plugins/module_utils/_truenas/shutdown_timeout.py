# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the shutdown timeout of a container for one stop: on TrueNAS 26 it is a setting of the container.

The call that changes the setting also records the configured value in the description until it is restored, so that the
next operation can restore it if this one is interrupted.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    NotFound,
    PixelsError,
    may_still_happen,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import metadata_line

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

Row = t.Mapping[str, t.Any]


@contextlib.contextmanager
def temporarily(wire: Wire, row: Row, seconds: int) -> t.Iterator[None]:
    """Set the shutdown timeout to `seconds` in a `with` block. Restore it afterwards, also after an error."""
    configured = configured_timeout(row)
    if configured == row["shutdown_timeout"] == seconds:
        yield
        return
    begun = False
    try:
        wire.call(
            "container.update", row["id"], {"shutdown_timeout": seconds, **description_with_note(row, configured)}
        )
        begun = True
        yield
    except BaseException as error:
        if begun or not isinstance(error, PixelsError) or may_still_happen(error):
            restore_after_error(error, wire, row)
        raise
    restore(wire, row, configured)


def configured_timeout(row: Row) -> int:
    """Return the configured shutdown timeout in seconds, which a stop may have changed temporarily."""
    recorded = metadata_line.shutdown_timeout(row["description"])
    return int(row["shutdown_timeout"]) if recorded is None else recorded


def description_with_note(row: Row, configured: int | None) -> dict[str, str]:
    """Return the change that records the configured timeout in the description, or removes it with None.

    Empty if nothing changes, or if the description would become too long.
    """
    text = row["description"]
    try:
        changed = metadata_line.with_metadata(
            text, metadata_line.metadata(text), nic_parent=metadata_line.nic(text), shutdown_timeout=configured
        )
    except Invalid:
        return {}
    return {} if changed == text else {"description": changed}


def restore_after_error(error: BaseException, wire: Wire, row: Row) -> None:
    """Restore the timeout after an error. If that fails as well, add it to the error."""
    try:
        restore(wire, row, configured_timeout(row))
    except PixelsError as another:
        if isinstance(error, PixelsError):
            error.add_suffix(f"In addition, {another.message}")


def restore(wire: Wire, row: Row, configured: int) -> None:
    """Set the timeout to `configured` seconds again, and remove it from the description."""
    for is_last in (False, True):
        try:
            # The description may have changed in the meantime.
            now = next(iter(wire.read("container.query", [["id", "=", row["id"]]])), None)
            if now is None:
                return
            changes: dict[str, t.Any] = dict(description_with_note(now, None))
            if now["shutdown_timeout"] != configured:
                changes["shutdown_timeout"] = configured
            if changes:
                wire.call("container.update", row["id"], changes)
        except NotFound:
            # Deleted in the meantime.
            return
        except PixelsError as error:
            # Repeated once: setting the same value again is harmless.
            if is_last:
                problem = f"resetting the shutdown timeout of {row['name']} on {wire.nas} to {configured} s failed"
                error.add_prefix(problem)
                error.add_suffix("The next change of the pixel resets it; or set it in the TrueNAS web interface")
                raise
        else:
            return
