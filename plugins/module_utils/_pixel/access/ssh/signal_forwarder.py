# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwards the signals that would end this process to the commands that it runs in pixels."""

from __future__ import annotations

import signal
import typing as t

if t.TYPE_CHECKING:
    import subprocess
    import types

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class ForwardedProcess(t.NamedTuple):
    """A command in a pixel, and the local process that it is connected to."""

    process: subprocess.Popen[bytes]
    """The local process, which has the input and the outputs of the command."""
    forward: t.Callable[[int], object]
    """Sends a signal to the command in the pixel, without waiting for it."""


class SignalForwarder:
    """Forwards signals to all running commands. The second signal of a kind ends the connections to them.

    A context manager, for the main thread.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        """The first signal that arrived, or None. After it, no command should be started."""
        self._running: dict[int, ForwardedProcess] = {}
        self._hung_up = False
        self._seen: set[int] = set()
        self._previous: dict[int, t.Any] = {}

    def __enter__(self) -> SignalForwarder:
        self._previous = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(self, *_exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @property
    def running(self) -> bool:
        """Whether any command is running."""
        return bool(self._running)

    def begin(self, running: ForwardedProcess) -> None:
        """Forward signals to a command from now on."""
        self._running[id(running)] = running
        if self._hung_up:
            running.process.terminate()

    def end(self, running: ForwardedProcess) -> None:
        """Stop forwarding to a command, because it has ended."""
        self._running.pop(id(running), None)

    def hang_up(self) -> None:
        """End the connections to all commands, and to those that start later."""
        self._hung_up = True
        for running in list(self._running.values()):
            running.process.terminate()

    def _handle(self, number: int, _frame: types.FrameType | None) -> None:
        self.number = self.number or number
        if number in self._seen:
            self.hang_up()
            return
        self._seen.add(number)
        for running in list(self._running.values()):
            running.forward(number)
