# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Methods of the middleware for an open web shell."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire


def resize(wire: Wire, shell: str, columns: int, rows: int) -> None:
    """Set the size of the terminal. On 25.04 raises `NotPermitted` unless the account is a full administrator."""
    wire.call("core.resize_shell", shell, columns, rows)
