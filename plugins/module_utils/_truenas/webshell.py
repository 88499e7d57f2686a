# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API of a NAS can do to a shell that it offers beside it."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire


def resize(wire: Wire, shell: str, columns: int, rows: int) -> None:
    """Tell the programs in it how large they are seen. Raises C(NotPermitted) on 25.04, but for full administrators."""
    wire.call("core.resize_shell", shell, columns, rows)
