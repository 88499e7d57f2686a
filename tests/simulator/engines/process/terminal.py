# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command of a guest in a terminal of its own, as a web shell has it; the terminal is the kernel's."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import struct
import termios
import typing as t

if t.TYPE_CHECKING:
    from tests.simulator.engines.process.guest_init import Command, GuestInit


async def find_program(init: GuestInit, name: str, path: str) -> None:
    """Raises `FileNotFoundError` where the guest has no program of that name."""
    places = [name] if "/" in name else [f"{folder}/{name}" for folder in path.split(":")]
    for place in places:
        with contextlib.suppress(OSError):
            if await init.describe(place) is not None:
                return
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


class GuestTerminal:
    def __init__(self, command: Command) -> None:
        self._command = command

    async def read(self, most: int) -> bytes:
        return await self._command.stdout.read(most)

    async def write(self, content: bytes) -> None:
        await self._command.stdin.write(content)

    def resize(self, columns: int, rows: int) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._command.stdin.fileno(), termios.TIOCSWINSZ, size)

    async def wait(self) -> None:
        await self._command.wait()

    async def close(self) -> None:
        """Kill the command, as Incus does; the end of the terminal signals the programs in its foreground."""
        with contextlib.suppress(ConnectionResetError):
            await self._command.signal(signal.SIGKILL)
        self._command.close()
