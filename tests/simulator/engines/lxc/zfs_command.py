# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run zfs commands so that zfs-fuse survives them.

Concurrent commands deadlock, so there is one at a time on the whole machine, and one that takes too long means
that it has happened all the same. It also calls a dataset busy for a moment after its container has stopped, which is
seconds on a machine that has much else to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import typing as t

from tests.simulator.zfs import ZfsError

if t.TYPE_CHECKING:
    from pathlib import Path

BUSY = "is busy"
SECONDS_BETWEEN_TRIES = 0.02
SECONDS_TO_DIE = 1.0


class NoSuchTag(ZfsError):
    """A snapshot that is not held by this tag."""


class Zfs:
    """`stuck` is called when a command did not end in time: no other one will end either."""

    def __init__(
        self,
        lock: Path,
        stuck: t.Callable[[], None],
        *,
        seconds: float = 30.0,
        busy_seconds: float = 30.0,
        command: t.Sequence[str] = ("zfs",),
    ) -> None:
        self._lock = lock
        self._stuck = stuck
        self._seconds = seconds
        self._busy_seconds = busy_seconds
        self._command = tuple(command)
        self._one_at_a_time = asyncio.Lock()

    async def run(self, *words: str, patient: bool = False) -> str:
        """What a command printed; `patient` tries again while the dataset is busy. Raises ZfsError with its text."""
        until = asyncio.get_running_loop().time() + self._busy_seconds
        while True:
            try:
                return await self._run(words)
            except ZfsError as error:
                # A snapshot is busy because it is held, for as long as that may be.
                if not (patient and error.busy) or "@" in str(error) or asyncio.get_running_loop().time() > until:
                    raise
            await asyncio.sleep(SECONDS_BETWEEN_TRIES)

    async def _run(self, words: t.Sequence[str]) -> str:
        async with self._one_at_a_time:
            # Other programs in the lab that run zfs use the same lock.
            process = await asyncio.create_subprocess_exec(
                *("flock", "--no-fork", str(self._lock), *self._command, *words),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                async with asyncio.timeout(self._seconds):
                    stdout, stderr = await process.communicate()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError, TimeoutError):
                    process.kill()
                    async with asyncio.timeout(SECONDS_TO_DIE):
                        await process.communicate()
                self._stuck()
                raise ZfsError(f"zfs {' '.join(words)} did not end after {self._seconds:g} s") from None
        if process.returncode:
            text = stderr.decode(errors="replace").strip()
            kind = NoSuchTag if "no such tag" in text else ZfsError
            raise kind(text, exists="already exists" in text, busy=BUSY in text)
        return stdout.decode()
