# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lends shells of a NAS to one user after the other, so that not every command has to start one."""

from __future__ import annotations

import json
import threading
import time
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.webshell import WebShell

# Seconds. A shell is a process on the NAS and one in the container: nobody's should stay for long.
IDLE = 60.0

Options = t.Mapping[str, t.Any]


class BorrowedShell(t.Protocol):
    """A shell that nobody else uses until it is given back or discarded."""

    note: str
    """What whoever had it before wanted to be known of it; empty for a new one."""
    id: str
    """What the API of the NAS calls it by."""

    def send(self, data: bytes) -> None:
        """Raises C(ConnectionLost)."""

    def receive(self, timeout: float) -> bytes | None:
        """What comes next, or None when nothing came within about C(timeout) seconds. Raises C(ConnectionLost)."""

    def give_back(self, note: str) -> None:
        """For others: nothing runs in it, and nothing it said is unread."""

    def discard(self) -> None:
        """Hang up: what runs in it ends."""


class LentShell:
    """A shell of this process."""

    def __init__(self, shell: WebShell, note: str, take_back: t.Callable[[WebShell, str | None], None]) -> None:
        """C(take_back) gets the shell with its new note, or with None when it is of no more use."""
        self.note = note
        self.id = shell.id
        self._shell = shell
        self._take_back = take_back

    def send(self, data: bytes) -> None:
        self._shell.send(data)

    def receive(self, timeout: float) -> bytes | None:
        return self._shell.receive(timeout)

    def interrupt(self) -> None:
        """Have whoever waits in C(receive) come back with nothing."""
        self._shell.interrupt()

    def give_back(self, note: str) -> None:
        self._take_back(self._shell, note)

    def discard(self) -> None:
        self._take_back(self._shell, None)


class Idle(t.NamedTuple):
    shell: WebShell
    note: str
    since: float


class ShellPool:
    """The shells of one session, by what runs in them; any number of threads may borrow."""

    def __init__(
        self, open_shell: t.Callable[[Options, float], WebShell], *, clock: t.Callable[[], float] = time.monotonic
    ) -> None:
        self._open_shell = open_shell
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: dict[str, list[Idle]] = {}
        self._lent: set[WebShell] = set()

    def borrow(self, options: Options, *, timeout: float) -> LentShell:
        """One that was given back and still lives, or a new one, opened within C(timeout) seconds."""
        kind = json.dumps(options, sort_keys=True)
        self.sweep()
        while (found := self._pop(kind)) is not None:
            if found.shell.is_quiet:
                return self._lend(kind, found.shell, found.note)
            found.shell.close()
        return self._lend(kind, self._open_shell(options, timeout), "")

    def sweep(self) -> None:
        """Hang up on those that nobody wanted for a while."""
        until = self._clock() - IDLE
        with self._lock:
            stale = [each for idle in self._idle.values() for each in idle if each.since < until]
            self._idle = {
                kind: fresh for kind, idle in self._idle.items() if (fresh := [e for e in idle if e.since >= until])
            }
        for each in stale:
            each.shell.close()

    def close(self) -> None:
        """Hang up on all, those that somebody has too."""
        with self._lock:
            shells = [each.shell for idle in self._idle.values() for each in idle] + list(self._lent)
            self._idle.clear()
            self._lent.clear()
        for shell in shells:
            shell.close()

    def _pop(self, kind: str) -> Idle | None:
        with self._lock:
            idle = self._idle.get(kind)
            return idle.pop() if idle else None

    def _lend(self, kind: str, shell: WebShell, note: str) -> LentShell:
        def take_back(shell: WebShell, note: str | None) -> None:
            with self._lock:
                is_ours = shell in self._lent
                self._lent.discard(shell)
                if is_ours and note is not None:
                    self._idle.setdefault(kind, []).append(Idle(shell, note, self._clock()))
                    return
            if is_ours:
                shell.close()

        with self._lock:
            self._lent.add(shell)
        return LentShell(shell, note, take_back)
