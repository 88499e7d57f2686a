# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limit how many labs have many containers at the same time.

All containers of a machine share the inotify instances that its kernel lets root have, 128 as a rule. systemd takes
four each time, and ends where there are none. So one lab at a time has many containers.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import typing as t

if t.TYPE_CHECKING:
    from pathlib import Path

FEW = 4
"""So many go unasked."""
SECONDS_BETWEEN_LOOKS = 0.1


class Capacity:
    """`directory` is a directory that all labs of this machine see; it is used only for its lock."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock: int | None = None
        self._one_at_a_time = asyncio.Lock()

    async def make(self, containers: int) -> None:
        """Wait until no other lab has many containers, if these are many."""
        async with self._one_at_a_time:
            if containers > FEW and self._lock is None:
                self._lock = await self._locked()

    async def _locked(self) -> int:
        lock = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return lock
                except BlockingIOError:
                    await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        except BaseException:
            os.close(lock)
            raise

    def give_back(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
