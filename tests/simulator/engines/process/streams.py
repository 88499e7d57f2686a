# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes pipes and terminals from an event loop, piece by piece, so that a slow reader slows the writer."""

from __future__ import annotations

import asyncio
import errno
import os
import typing as t

PIECE = 65_536


class Stream:
    """One end of a pipe or a terminal; owns its descriptor."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._closed = False

    def fileno(self) -> int:
        return self._descriptor

    async def read(self, most: int = PIECE) -> bytes:
        """The next bytes, at most so many; empty at the end."""
        while not self._closed:
            try:
                return os.read(self._descriptor, most)
            except BlockingIOError:
                loop = asyncio.get_running_loop()
                await _wait(self._descriptor, loop.add_reader, loop.remove_reader)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                return read_rest(self._descriptor, most)
        return b""

    async def read_all(self) -> bytes:
        pieces = []
        while piece := await self.read():
            pieces.append(piece)
        return b"".join(pieces)

    async def write(self, content: bytes) -> None:
        """Raises `BrokenPipeError` when the reader is gone."""
        rest = memoryview(content)
        while rest:
            if self._closed:
                raise BrokenPipeError(errno.EPIPE, "closed")
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                loop = asyncio.get_running_loop()
                await _wait(self._descriptor, loop.add_writer, loop.remove_writer)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                raise BrokenPipeError(errno.EPIPE, "the terminal's programs have all gone") from error

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            os.close(self._descriptor)


def read_rest(descriptor: int, most: int = PIECE) -> bytes:
    """Return what a terminal still has once a read has failed with EIO; empty at the end.

    The kernel looks for output first, and then whether the other end is closed: what is written in between, by a
    program that ends immediately, comes with the next read (Linux 6.18, drivers/tty/n_tty.c, n_tty_read).
    """
    try:
        return os.read(descriptor, most)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return b""


async def _wait(descriptor: int, add: t.Callable[..., t.Any], remove: t.Callable[[int], t.Any]) -> None:
    """Until the descriptor is ready; the loop forgets it again however this ends."""
    ready = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    add(descriptor, wake)
    try:
        await ready
    finally:
        remove(descriptor)
