# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pass bytes between a client of the daemon and the shell that it has borrowed."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shell_pool import ShellLease

Send = t.Callable[[protocol.Frame], t.Coroutine[t.Any, t.Any, None]]


class ShellProxy:
    """One shell for one client. Its methods belong to the event loop; a thread of its own receives from the shell."""

    def __init__(self, shell: ShellLease, send: Send) -> None:
        """`send` writes a frame to the client and waits until the client reads it."""
        self._shell = shell
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._ended = threading.Event()
        self._receiving: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Send the client what the shell outputs from now on."""
        self._receiving = self._loop.create_future()
        threading.Thread(target=self._receive, args=(self._receiving,), name="pixels shell", daemon=True).start()

    async def send(self, data: bytes) -> None:
        """Send input to the shell."""
        try:
            await self._loop.run_in_executor(None, self._shell.send, data)
        except PixelsError:
            # The receiving thread gets the error as well, and sends it to the client.
            return

    async def give_back(self, note: str) -> bool:
        """Return the shell to the pool. Return whether it still exists."""
        is_gone = self._ended.is_set()
        await self._stop_receiving()
        if not is_gone:
            self._shell.give_back(note)
        return not is_gone

    async def drop(self) -> None:
        """End the shell: its client is gone."""
        await self._stop_receiving()
        await self._loop.run_in_executor(None, self._shell.discard)

    async def _stop_receiving(self) -> None:
        if not self._ended.is_set():
            self._ended.set()
            self._shell.interrupt()
        if self._receiving is not None:
            await self._receiving

    def _receive(self, done: asyncio.Future[None]) -> None:
        try:
            self._forward_output()
        except PixelsError as error:
            # Set before the client gets the error, so that a `give_back` in reply to it finds the shell gone.
            self._ended.set()
            self._send_and_wait({"over": protocol.error_to_frame(error)})
        finally:
            self._loop.call_soon_threadsafe(done.set_result, None)

    def _forward_output(self) -> None:
        while not self._ended.is_set():
            data = self._shell.receive(protocol.KEEPALIVE_INTERVAL_S)
            if not self._ended.is_set():
                self._send_and_wait({"output": data} if data else {"alive": True})

    def _send_and_wait(self, frame: protocol.Frame) -> None:
        # Waiting limits memory: a shell may output faster than the client reads.
        with contextlib.suppress(OSError):
            asyncio.run_coroutine_threadsafe(self._send(frame), self._loop).result()
