# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists containers in one go where all is as usual: what is to know of the NAS is asked at the same time."""

from __future__ import annotations

import threading
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotPermitted, PixelsError, Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import brief

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

READY = "INITIALIZED"


def listing(wire: Wire, prefix: str) -> list[tuple[str, str, str | None]] | None:
    """Name, status and first IPv4 address of each; None where C(choose) and its backend have more to say."""
    states: list[str] = []

    def look() -> None:
        try:
            states.append(wire.read("virt.global.config")["state"])
        except NotPermitted:
            # As C(choose) has it: a method that may not be called is there.
            states.append(READY)
        except PixelsError:
            # The query met it, too.
            return

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    method, params = brief.query(prefix)
    try:
        rows = wire.read(method, *params)
    except Unsupported:
        return None
    finally:
        looking.join()
    return sorted(brief.brief(row) for row in rows) if states == [READY] else None


def names(wire: Wire, prefix: str) -> list[str]:
    """The names alone, as quickly; none of a NAS that has no containers, for whatever reason."""
    found = listing(wire, prefix)
    if found is not None:
        return [name for name, _status, _ipv4 in found]
    try:
        # As C(choose) has it: what comes after the API that listing asks.
        rows = wire.read("container.query", [["name", "^", prefix]], {"select": ["name"]})
    except Unsupported:
        return []
    return sorted(str(row["name"]) for row in rows)
