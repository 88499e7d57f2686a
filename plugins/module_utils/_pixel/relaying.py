# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals that would end this process: to whom they go instead while commands run in pixels."""

from __future__ import annotations

import signal
import typing as t

if t.TYPE_CHECKING:
    import subprocess
    import types

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Running(t.NamedTuple):
    """A command, however many steps away it runs."""

    process: subprocess.Popen[bytes]
    """What runs here, and has its inputs and outputs."""
    tell: t.Callable[[int], object]
    """Sends a signal to what runs there; must not wait."""


class Relay:
    """Passes signals on to all commands that run; a second one of a kind ends the connections to them.

    Used as C(with), in the main thread.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        """The first signal that came; None while there was none. After it nothing more is to begin."""
        self._running: dict[int, Running] = {}
        self._hung_up = False
        self._seen: set[int] = set()
        self._before: dict[int, t.Any] = {}

    def __enter__(self) -> Relay:
        self._before = {number: signal.signal(number, self._pass_on) for number in NUMBERS}
        return self

    def __exit__(self, *_how: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def running(self) -> bool:
        return bool(self._running)

    def begin(self, running: Running) -> None:
        self._running[id(running)] = running
        if self._hung_up:
            running.process.terminate()

    def end(self, running: Running) -> None:
        self._running.pop(id(running), None)

    def hang_up(self) -> None:
        """End the connections to all of them, and to those that are about to begin."""
        self._hung_up = True
        for running in list(self._running.values()):
            running.process.terminate()

    def _pass_on(self, number: int, _frame: types.FrameType | None) -> None:
        self.number = self.number or number
        if number in self._seen:
            self.hang_up()
            return
        self._seen.add(number)
        for running in list(self._running.values()):
            running.tell(number)
