# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The standard input of a command that runs through the web shell: known in advance, or read as it arrives."""

from __future__ import annotations

import threading
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Abandoned, Source

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shell_pool import ShellLike
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.protocol import ResponseParser

PIECE_BYTES = 256 * 1024


class Input(t.Protocol):
    """The input of a command. A thread sends it, so that receiving the response never blocks."""

    def update(self, response: ResponseParser) -> None:
        """Send what the response requests. To be called after each piece of it."""


class Whole:
    """Input that is known in advance, and sent when the shell requests it."""

    def __init__(self, shell: ShellLike, content: bytes, sent: t.Callable[[int], None] | None = None) -> None:
        """`content` needs a length and slices; `sent` gets the number of its bytes that have been sent."""
        self._shell = shell
        self._content = content
        self._sent = sent
        self._begun = False

    def update(self, response: ResponseParser) -> None:
        """Start sending once the shell requests it."""
        if response.wants_input and not self._begun:
            self._begun = True
            threading.Thread(target=self._send, daemon=True).start()

    def _send(self) -> None:
        try:
            for start in range(0, len(self._content), PIECE_BYTES):
                piece = self._content[start : start + PIECE_BYTES]
                self._shell.send(piece)
                if self._sent:
                    self._sent(start + len(piece))
        except ConnectionLost:
            # The thread that receives the response reports it.
            return


class Stream:
    """Input of unknown length, sent in pieces: first the size of a piece and then its bytes, as the shell requests."""

    def __init__(self, shell: ShellLike, first: bytes, more: Source) -> None:
        """`first` precedes the pieces of `more`."""
        self._shell = shell
        self._first = first
        self._more = more
        self._changed = threading.Condition()
        self._begun = False
        self._size_wanted = False
        self._bytes_wanted = False
        self._over = False
        """Whether the command reads no more input."""
        self._abandoned: Abandoned | None = None

    def update(self, response: ResponseParser) -> None:
        """Send the next piece if it is requested. Raises `Abandoned` of `more` while the command runs."""
        if self._abandoned is not None and response.rc is None:
            raise self._abandoned
        with self._changed:
            self._size_wanted |= response.wants_size
            self._bytes_wanted |= response.wants_input
            self._over |= response.wants_no_more or response.rc is not None
            response.wants_size = response.wants_input = False
            if self._over and self._size_wanted and response.rc is None:
                # Here, because the thread may be waiting for keyboard input.
                self._size_wanted = False
                self._send_line(b"0\n")
            self._changed.notify_all()
        if not self._begun:
            self._begun = True
            threading.Thread(target=self._send_all, daemon=True).start()

    def _send_all(self) -> None:
        try:
            piece = self._first or self._more()
            while self._announce(piece) and piece:
                self._shell.send(piece)
                piece = self._more()
        except ConnectionLost:
            return
        except Abandoned as abandoned:
            self._abandoned = abandoned
        except OSError:
            # An input that cannot be read has ended.
            self._announce(b"")

    def _announce(self, piece: bytes) -> bool:
        """Send the size of a piece; return whether its bytes are requested."""
        with self._changed:
            self._changed.wait_for(lambda: self._size_wanted or self._over)
            if self._over:
                return False
            self._size_wanted = False
            self._send_line(b"%d\n" % len(piece))
            if piece:
                self._changed.wait_for(lambda: self._bytes_wanted)
                self._bytes_wanted = False
            return True

    def _send_line(self, line: bytes) -> None:
        try:
            self._shell.send(line)
        except ConnectionLost:
            self._over = True
