# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The terminal of this process, connected to a command that runs through the web shell: keys, output and size."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import pipes

CHUNK_BYTES = 32768
DEFAULT_SIZE = (80, 24)
DEFAULT_TERM = "vt100"
END_OF_INPUT = b"\x04"
"""Ctrl-D."""
END_INTERVAL_S = 0.5
"""How often Ctrl-D is sent after the end of the input."""
UNFINISHED_TRIES = 3
"""How often Ctrl-D is sent before a last line without a line break gets one."""
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
"""Signals that end this process, which must restore the terminal first."""

Send = t.Callable[[bytes], object]
"""Sends keys to the command. Raises `ConnectionLost`."""
Resize = t.Callable[[int, int], object]
"""Sets the size of the command's terminal, in columns and rows."""


class LocalTerminal:
    """Forwards keys and changes of size to a command; a context manager, for the main thread, which gets signals."""

    def __init__(self) -> None:
        self.term = os.environ.get("TERM", DEFAULT_TERM)
        self._begun = False
        self._left = threading.Event()
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> LocalTerminal:
        with contextlib.ExitStack() as undo:
            undo.enter_context(raw_mode())
            for number in ENDING_SIGNALS:
                undo.callback(signal.signal, number, signal.signal(number, self._end))
            self._resized, self._resizing = os.pipe()
            undo.callback(os.close, self._resizing)
            undo.callback(signal.signal, signal.SIGWINCH, signal.signal(signal.SIGWINCH, self._notice_size))
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._left.set()
        self._undo.close()

    def size(self) -> tuple[int, int]:
        """Return columns and rows; `DEFAULT_SIZE` without a terminal."""
        for stream in (1, 0, 2):
            with contextlib.suppress(OSError):
                size = os.get_terminal_size(stream)
                if size.columns and size.lines:
                    return size.columns, size.lines
        return DEFAULT_SIZE

    def show(self, piece: bytes) -> None:
        """Write output of the command. Raises `OSError`."""
        pipes.write_stdout(piece)

    def begin(self, send: Send, resize: Resize) -> None:
        """Forward keys and changes of size from now on, because the command runs. Later calls do nothing."""
        if self._begun:
            return
        self._begun = True
        threading.Thread(target=self._forward_keys, args=(send,), daemon=True).start()
        threading.Thread(target=self._forward_size, args=(resize,), daemon=True).start()

    def _forward_keys(self, send: Send) -> None:
        try:
            last = b""
            while keys := os.read(0, CHUNK_BYTES):
                send(keys)
                last = keys
            self._end_input(send, unfinished=bool(last) and not last.endswith(b"\n"))
        except (ConnectionLost, OSError):
            # The thread that reads the output reports it.
            return

    def _end_input(self, send: Send, *, unfinished: bool) -> None:
        """Send Ctrl-D until the command has ended, as each read at the end of a file reports that end.

        A Ctrl-D is lost if a program, such as a shell, sets up its terminal after it was sent. At an `unfinished` last
        line, which has no line break, a line editor does not take Ctrl-D for the end of the input.
        """
        count = 0
        while not self._left.is_set():
            if unfinished and count == UNFINISHED_TRIES:
                send(b"\n")
            send(END_OF_INPUT)
            count += 1
            self._left.wait(END_INTERVAL_S)

    def _forward_size(self, resize: Resize) -> None:
        while os.read(self._resized, CHUNK_BYTES):
            resize(*self.size())

    def _notice_size(self, _number: int, _frame: object) -> None:
        os.write(self._resizing, b".")

    def _end(self, number: int, _frame: object) -> t.NoReturn:
        raise SystemExit(128 + number)


@contextlib.contextmanager
def raw_mode() -> t.Iterator[None]:
    """Let every key of the terminal through, if the standard input is one."""
    if not sys.stdin.isatty():
        yield
        return
    import termios
    import tty

    previous = termios.tcgetattr(0)
    try:
        # TCSADRAIN keeps what was typed before; the default would discard it.
        tty.setraw(0, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, previous)
