# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal in which a command has said something and ended: what is left of one that could not be started."""

from __future__ import annotations

import errno


class FinalOutput:
    def __init__(self, content: bytes) -> None:
        self._rest = content

    async def read(self, most: int) -> bytes:
        piece, self._rest = self._rest[:most], self._rest[most:]
        return piece

    async def write(self, content: bytes) -> None:
        raise BrokenPipeError(errno.EPIPE, "the command has ended")

    def resize(self, columns: int, rows: int) -> None:
        """Ignore the size: the command has ended."""

    async def wait(self) -> None:
        """It has ended already."""

    async def close(self) -> None:
        self._rest = b""
