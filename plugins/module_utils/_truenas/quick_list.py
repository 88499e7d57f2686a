# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the names of containers with fewer steps than a backend."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import summary_row, values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.replies import CheckedWire

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire


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
