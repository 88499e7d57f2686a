# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One process that is connected to the session daemon, as the daemon sees it."""

from __future__ import annotations

import asyncio
import select
import socket
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import protocol

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.shell_proxy import ShellProxy

CLOSED_EVENTS = select.POLLHUP | getattr(select, "POLLRDHUP", 0)


class Client:
    """The daemon's end of one connection, with what the client sent when it authenticated."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.connect_timeout = 0.0
        """In seconds."""
        self.login_wait = 0.0
        """In seconds."""
        self.calls = 0
        """Calls in flight; a borrowed shell counts as one."""
        self.shell: ShellProxy | None = None
        """The shell that this client has borrowed."""
        self.is_gone = False

    async def send(self, frame: protocol.Frame) -> None:
        """Write a frame and wait until the client reads it. Raises `OSError` when the connection is lost."""
        self.write(frame)
        await self._writer.drain()

    def write(self, frame: protocol.Frame) -> None:
        """Write a frame without waiting."""
        self.write_line(protocol.encode(frame))

    def write_line(self, line: bytes) -> None:
        """Write an encoded frame without waiting; does nothing once the connection is closed."""
        if not self._writer.is_closing():
            self._writer.write(line)

    @property
    def is_flushed(self) -> bool:
        """Whether the kernel has taken all that was written, so that the end of this process loses nothing of it."""
        return not self._writer.is_closing() and self._writer.transport.get_write_buffer_size() == 0

    @property
    def has_disconnected(self) -> bool:
        """Whether the client has closed its end at this moment. The event loop may not have noticed that yet."""
        poll = select.poll()
        poll.register(self._writer.get_extra_info("socket"), CLOSED_EVENTS)
        return bool(poll.poll(0))

    def pass_on(self, carrier: socket.socket) -> None:
        """Send the connection to the process at the other end of `carrier`. Close it here without reading from it.

        Raises `OSError` if that process does not take it.
        """
        transport = t.cast("asyncio.Transport", self._writer.transport)
        transport.pause_reading()
        try:
            socket.send_fds(carrier, [b"\n"], [self._writer.get_extra_info("socket").fileno()])
        except OSError:
            transport.resume_reading()
            raise
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()
