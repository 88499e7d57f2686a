# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a command that runs through the shell of the NAS gets its input: all at once, or as it comes."""

from __future__ import annotations

import threading
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shells import BorrowedShell
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.dialogue import Answer

# Asked for what comes next, and waits for it; nothing is the end.
Source = t.Callable[[], bytes]


class Input(t.Protocol):
    """What is sent to a command, in a thread of its own: whoever listens must not wait."""

    def notice(self, answer: Answer) -> None:
        """Told after each piece of the answer; sends what is wanted by then."""


class Whole:
    """Sent at once, when it is wanted."""

    def __init__(self, shell: BorrowedShell, content: bytes) -> None:
        self._shell = shell
        self._content = content
        self._begun = False

    def notice(self, answer: Answer) -> None:
        if answer.wants_input and not self._begun:
            self._begun = True
            threading.Thread(target=self._send, daemon=True).start()

    def _send(self) -> None:
        # Whoever listens hears of it as well when the shell is gone.
        try:
            self._shell.send(self._content)
        except ConnectionLost:
            return


class Stream:
    """Sent piece by piece: how long it is, when that is asked, and the bytes, when those are."""

    def __init__(self, shell: BorrowedShell, first: bytes, more: Source) -> None:
        """C(first) comes before what C(more) has."""
        self._shell = shell
        self._first = first
        self._more = more
        self._told = threading.Condition()
        self._begun = False
        self._size_wanted = False
        self._bytes_wanted = False
        self._over = False
        """Nobody reads what would come."""

    def notice(self, answer: Answer) -> None:
        with self._told:
            self._size_wanted |= answer.wants_size
            self._bytes_wanted |= answer.wants_input
            self._over |= answer.wants_no_more or answer.rc is not None
            answer.wants_size = answer.wants_input = False
            if self._over and self._size_wanted and answer.rc is None:
                # The thread may be waiting for somebody to type something.
                self._size_wanted = False
                self._say(b"0\n")
            self._told.notify_all()
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
        except OSError:
            # What cannot be read has ended.
            self._announce(b"")

    def _announce(self, piece: bytes) -> bool:
        """Whether these bytes are wanted, once it has been said how many they are."""
        with self._told:
            self._told.wait_for(lambda: self._size_wanted or self._over)
            if self._over:
                return False
            self._size_wanted = False
            self._say(b"%d\n" % len(piece))
            if piece:
                self._told.wait_for(lambda: self._bytes_wanted)
                self._bytes_wanted = False
            return True

    def _say(self, line: bytes) -> None:
        try:
            self._shell.send(line)
        except ConnectionLost:
            self._over = True
