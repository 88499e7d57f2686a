# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command of a container in a terminal, as a web shell has it; `lxc-attach` passes on what is typed and said."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import struct
import termios
import typing as t

from tests.simulator.engines.process.streams import Stream

OUTPUT_MODES, LOCAL_MODES = 1, 3
"""Where they are in what `tcgetattr` returns."""
SECONDS_BETWEEN_LOOKS = 0.005


class LxcTerminal:
    def __init__(self, process: asyncio.subprocess.Process, stream: Stream) -> None:
        self._process = process
        self._stream = stream

    @classmethod
    async def open(cls, command: t.Sequence[str]) -> LxcTerminal:
        """Start a command with a new terminal that it controls."""
        ours, theirs = pty.openpty()
        try:
            process = await asyncio.create_subprocess_exec(
                "setsid", "--ctty", *command, stdin=theirs, stdout=theirs, stderr=theirs
            )
        finally:
            os.close(theirs)
        terminal = cls(process, Stream(ours))
        terminal._leave_output_alone()
        await terminal._until_attached()
        return terminal

    async def _until_attached(self) -> None:
        """As LXC takes over the terminal, it throws away what was typed until then."""
        while termios.tcgetattr(self._stream.fileno())[LOCAL_MODES] & termios.ICANON:
            try:
                async with asyncio.timeout(SECONDS_BETWEEN_LOOKS):
                    await self.wait()
            except TimeoutError:
                continue
            break
        self._leave_output_alone()

    def _leave_output_alone(self) -> None:
        """The terminal inside has made of a line break what it is to be; LXC leaves this one to do so again."""
        modes = termios.tcgetattr(self._stream.fileno())
        modes[OUTPUT_MODES] &= ~termios.OPOST
        termios.tcsetattr(self._stream.fileno(), termios.TCSANOW, modes)

    async def read(self, most: int) -> bytes:
        return await self._stream.read(most)

    async def write(self, content: bytes) -> None:
        await self._stream.write(content)

    def resize(self, columns: int, rows: int) -> None:
        """LXC hears of it and does the same inside."""
        fcntl.ioctl(self._stream.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    async def wait(self) -> None:
        await self._process.wait()

    async def close(self) -> None:
        """Kill LXC: the terminal inside closes, which signals the programs in the foreground."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        self._stream.close()
