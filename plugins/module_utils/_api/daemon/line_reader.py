# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read lines from a socket, with a timeout for each wait that keeps a partial line for the next call."""

from __future__ import annotations

import select
import socket

READ_BYTES = 256 * 1024


class LineReader:
    """The lines that arrive on a connected socket. The timeout of the socket itself, set for sending, is not used."""

    def __init__(self, connection: socket.socket, *, max_bytes: int) -> None:
        """`max_bytes` is the size limit of one line."""
        self._socket = connection
        self._max_bytes = max_bytes
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self._buffer = bytearray()
        self._searched = 0

    @property
    def is_empty(self) -> bool:
        """Whether no part of a next line has arrived."""
        return not self._buffer

    def next(self, timeout: float) -> bytes:
        """Return the next line with its end. At the end of the connection, return the rest, and then `b""`.

        Raises `TimeoutError` if nothing arrives for `timeout` seconds, after which the call can be repeated. A long
        line may take longer as a whole. Raises `OSError` for a line that is too long.
        """
        while True:
            end = self._buffer.find(b"\n", self._searched)
            if end >= 0:
                return self._take(end + 1)
            self._searched = len(self._buffer)
            if self._searched > self._max_bytes:
                raise OSError("a line is too long")
            if not self._poll.poll(timeout * 1000):
                raise TimeoutError
            data = self._socket.recv(READ_BYTES)
            if not data:
                return self._take(len(self._buffer))
            self._buffer += data

    def _take(self, end: int) -> bytes:
        line = bytes(self._buffer[:end])
        del self._buffer[:end]
        self._searched = 0
        return line
