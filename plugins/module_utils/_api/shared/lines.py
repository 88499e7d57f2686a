# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads lines from a socket, with a limit to each wait that leaves what came in part for later."""

from __future__ import annotations

import select
import socket
import time

AT_ONCE = 256 * 1024


class Lines:
    """What comes over a connected socket; its own timeout, which threads that send set, plays no part."""

    def __init__(self, connection: socket.socket, *, longest: int) -> None:
        self._socket = connection
        self._longest = longest
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self._heard = bytearray()
        self._searched = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing of a next line is here."""
        return not self._heard

    def next(self, timeout: float) -> bytes:
        """The next line with its end; what is there at the end of the connection, at last C(b"").

        Raises C(TimeoutError) after C(timeout) seconds, and may then be asked again; C(OSError) for a line too long.
        """
        until = time.monotonic() + timeout
        while True:
            end = self._heard.find(b"\n", self._searched)
            if end >= 0:
                return self._cut(end + 1)
            self._searched = len(self._heard)
            if self._searched > self._longest:
                raise OSError("a line is too long")
            if not self._poll.poll(max(until - time.monotonic(), 0) * 1000):
                raise TimeoutError
            piece = self._socket.recv(AT_ONCE)
            if not piece:
                return self._cut(len(self._heard))
            self._heard += piece

    def _cut(self, end: int) -> bytes:
        line = bytes(self._heard[:end])
        del self._heard[:end]
        self._searched = 0
        return line
