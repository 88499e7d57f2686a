# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List containers with fewer steps than a backend: detect the API and query the containers in parallel."""

from __future__ import annotations

import threading
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotPermitted, PixelsError, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import summary_row, values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.replies import CheckedWire

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

READY = "INITIALIZED"


def list_containers(wire: Wire, prefix: str) -> list[tuple[str, str, str | None, str | None]] | None:
    """Return name, status, address and expiry of each container; None if it takes a backend to find them out."""
    wire = CheckedWire(wire)
    states: list[str] = []

    def read_state() -> None:
        try:
            states.append(wire.read("virt.global.config")["state"])
        except NotPermitted:
            # The method exists (see `detect.config`).
            states.append(READY)
        except PixelsError:
            # The query fails as well, and reports it.
            return

    thread = threading.Thread(target=read_state, daemon=True)
    thread.start()
    method, params = summary_row.query(prefix)
    try:
        rows = wire.read(method, *params)
    except Unsupported:
        return None
    finally:
        thread.join()
    if states != [READY] or not all(summary_row.is_plain(row, prefix) for row in rows):
        return None
    return sorted((summary_row.summarize(row) for row in rows), key=lambda each: each[0])


def list_names(wire: Wire, prefix: str) -> list[str]:
    """Return the names of containers only; none on a release without containers."""
    wire = CheckedWire(wire)
    method, params = summary_row.query(prefix)
    try:
        rows = wire.read(method, *params, {"select": ["name"]})
    except Unsupported:
        try:
            # The API of the other generation.
            rows = wire.read("container.query", [["name", "^", prefix]], {"select": ["name"]})
        except Unsupported:
            return []
    # Checked because a shell completes them.
    return sorted({row["name"] for row in rows if values.is_prefixed_name(row["name"], prefix)})
