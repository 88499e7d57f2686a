# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries bytes between a caller of the holder and the shell he has for now."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared import protocol

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shells import LentShell

Tell = t.Callable[[protocol.Frame], t.Coroutine[t.Any, t.Any, None]]


class Bridge:
    """One shell for one caller. Its methods belong to the loop's thread; a thread of its own listens to the shell."""

    def __init__(self, shell: LentShell, tell: Tell) -> None:
        """C(tell) says something to the caller, and waits until he takes it."""
        self._shell = shell
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._over = threading.Event()
        self._listening: asyncio.Future[None] | None = None

    def begin(self) -> None:
        """Hand over what the shell says from now on."""
        self._listening = self._loop.create_future()
        threading.Thread(target=self._listen, args=(self._listening,), name="pixels shell", daemon=True).start()

    async def send(self, data: bytes) -> None:
        try:
            await self._loop.run_in_executor(None, self._shell.send, data)
        except PixelsError:
            # The listening thread hears of it as well, and tells the reason.
            return

    async def give_back(self, note: str) -> bool:
        """Let go of the shell; False where it is no more."""
        is_gone = self._over.is_set()
        await self._stop_listening()
        if not is_gone:
            self._shell.give_back(note)
        return not is_gone

    async def drop(self) -> None:
        """The caller went away: what runs in the shell is nobody's."""
        await self._stop_listening()
        await self._loop.run_in_executor(None, self._shell.discard)

    async def _stop_listening(self) -> None:
        if not self._over.is_set():
            self._over.set()
            self._shell.interrupt()
        if self._listening is not None:
            await self._listening

    def _listen(self, done: asyncio.Future[None]) -> None:
        try:
            self._hand_over()
        except PixelsError as error:
            # Before anybody is told: who then gives back is told that there is nothing to be given back.
            self._over.set()
            self._say({"over": protocol.packed(error)})
        finally:
            self._loop.call_soon_threadsafe(done.set_result, None)

    def _hand_over(self) -> None:
        while not self._over.is_set():
            data = self._shell.receive(protocol.ALIVE_EVERY)
            if not self._over.is_set():
                self._say({"output": data} if data else {"alive": True})

    def _say(self, frame: protocol.Frame) -> None:
        # Waiting here keeps a shell that says more than the caller takes from filling this process's memory.
        with contextlib.suppress(OSError):
            asyncio.run_coroutine_threadsafe(self._tell(frame), self._loop).result()
