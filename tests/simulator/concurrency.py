# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limit of concurrent calls of one connection (middleware utils/lock.py)."""

from __future__ import annotations

import asyncio
import contextlib
import typing as t

RUNNING = 10
IN_ALL = 20


class TooManyCalls(Exception):
    """The connection has 20 calls already; this one was not begun."""


class CallSlots:
    """Ten calls run, ten more wait for them, the next is refused."""

    def __init__(self) -> None:
        self._running = asyncio.Semaphore(RUNNING)
        self.taken = 0

    @contextlib.asynccontextmanager
    async def slot(self) -> t.AsyncIterator[None]:
        if self.taken >= IN_ALL:
            raise TooManyCalls
        self.taken += 1
        try:
            async with self._running:
                yield
        finally:
            self.taken -= 1
