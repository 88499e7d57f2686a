# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where somebody sits in front of a command that runs through the shell of the NAS: keys, a screen, and its size."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost, PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.streaming import CHUNK, every_key
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import webshell

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shells import BorrowedShell
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels

USUAL_SIZE = (80, 24)
USUAL_TERM = "vt100"
WITHIN = 10.0
END_OF_INPUT = b"\x04"
# Signals that end this process, which must not leave the terminal as it is meanwhile.
ENDING = (signal.SIGTERM, signal.SIGHUP)


class Seat:
    """The terminal of this process: it passes on every key, and the changes of its size; a context manager.

    To be used in the main thread, which gets signals.
    """

    def __init__(self, pixels: Pixels, name: str) -> None:
        """C(name) is the full one of the pixel that the command runs in."""
        self.term = os.environ.get("TERM", USUAL_TERM)
        self._pixels = pixels
        self._name = name
        self._begun = False
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Seat:
        with contextlib.ExitStack() as undo:
            undo.enter_context(every_key())
            for number in ENDING:
                undo.callback(signal.signal, number, signal.signal(number, self._end))
            self._resized, self._resizing = os.pipe()
            undo.callback(os.close, self._resizing)
            undo.callback(signal.signal, signal.SIGWINCH, signal.signal(signal.SIGWINCH, self._notice_size))
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_how: object) -> None:
        self._undo.close()

    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        for stream in (1, 0, 2):
            with contextlib.suppress(OSError):
                found = os.get_terminal_size(stream)
                if found.columns and found.lines:
                    return found.columns, found.lines
        return USUAL_SIZE

    def show(self, piece: bytes) -> None:
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()

    def begin(self, shell: BorrowedShell, holder: int) -> None:
        """The command runs: keys are for it from now on. C(holder) is a process there that has its terminal open."""
        if self._begun:
            return
        self._begun = True
        threading.Thread(target=self._pass_on_keys, args=(shell,), daemon=True).start()
        threading.Thread(target=self._pass_on_size, args=(shell, holder), daemon=True).start()

    def _pass_on_keys(self, shell: BorrowedShell) -> None:
        try:
            while keys := os.read(0, CHUNK):
                shell.send(keys)
            shell.send(END_OF_INPUT)
        except (ConnectionLost, OSError):
            # Whoever listens hears of it as well.
            return

    def _pass_on_size(self, shell: BorrowedShell, holder: int) -> None:
        while os.read(self._resized, CHUNK):
            columns, rows = self.size()
            try:
                webshell.resize(self._pixels.wire, shell.id, columns, rows)
            except PixelsError:
                # On 25.04 that is for full administrators. Root of the pixel may do it from inside.
                self._resize_from_inside(holder, columns, rows)

    def _resize_from_inside(self, holder: int, columns: int, rows: int) -> None:
        """As far as it can be done, which takes a terminal that root of the pixel may open: it is for the eye only."""
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.shell import NasShell

        # By its process, as a terminal need not have a name there.
        line = f"stty rows {rows} cols {columns} </proc/{holder}/fd/0"
        with contextlib.suppress(PixelsError), NasShell(self._pixels, self._name) as another:
            another.run(Command(("sh", "-c", line)), timeout=WITHIN)

    def _notice_size(self, _number: int, _frame: object) -> None:
        os.write(self._resizing, b".")

    def _end(self, number: int, _frame: object) -> t.NoReturn:
        raise SystemExit(128 + number)
