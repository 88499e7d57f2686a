# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep web shells open for reuse, so that not every command has to open one."""

from __future__ import annotations

import json
import threading
import time
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.webshell import WebShell

IDLE_TIMEOUT_S = 60.0
"""How long an unused shell stays open. It is a process on the NAS and one in the container."""

Options = t.Mapping[str, t.Any]


class ShellLike(t.Protocol):
    """A shell for exclusive use until it is given back or discarded."""

    note: str
    """The note of its last user; empty for a new shell."""
    id: str
    """Its ID in the API of the NAS."""

    def send(self, data: bytes) -> None:
        """Send input. Raises `ConnectionLost`."""

    def receive(self, timeout: float) -> bytes | None:
        """Return the next output, or None if none arrives in about `timeout` seconds. Raises `ConnectionLost`."""

    def give_back(self, note: str) -> None:
        """Return the shell to the pool. No command may run in it, and no output may be unread."""

    def discard(self) -> None:
        """End the shell. A command that it started may continue (Incus 6.0 kills the shell only)."""


class ShellLease:
    """A shell of this process; see `ShellLike`."""

    def __init__(self, shell: WebShell, note: str, put_back: t.Callable[[WebShell, str | None], None]) -> None:
        """`put_back` gets the shell with its new note, or with None if it cannot be used again."""
        self.note = note
        self.id = shell.id
        self._shell = shell
        self._put_back = put_back

    def send(self, data: bytes) -> None:
        """See `ShellLike`."""
        self._shell.send(data)

    def receive(self, timeout: float) -> bytes | None:
        """See `ShellLike`."""
        return self._shell.receive(timeout)

    def interrupt(self) -> None:
        """Make the current or the next call of `receive` return None immediately."""
        self._shell.interrupt()

    def give_back(self, note: str) -> None:
        """See `ShellLike`."""
        self._put_back(self._shell, note)

    def discard(self) -> None:
        """See `ShellLike`."""
        self._put_back(self._shell, None)


class IdleShell(t.NamedTuple):
    """An unused shell in the pool."""

    shell: WebShell
    note: str
    since: float


class ShellPool:
    """The shells of one session, by their options. Any number of threads may borrow."""

    def __init__(
        self, open_shell: t.Callable[[Options, float], WebShell], *, clock: t.Callable[[], float] = time.monotonic
    ) -> None:
        self._open_shell = open_shell
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: dict[str, list[IdleShell]] = {}
        self._lent: set[WebShell] = set()

    def borrow(self, options: Options, *, timeout: float, unused: bool = False) -> ShellLease:
        """Return a reused shell that is still connected, or a new one, opened within `timeout` seconds.

        With `unused`, close the idle shells of this kind and return a new one.
        """
        kind = json.dumps(options, sort_keys=True)
        self.sweep()
        while (found := self._pop(kind)) is not None:
            if found.shell.is_quiet and not unused:
                return self._lend(kind, found.shell, found.note)
            found.shell.close()
        return self._lend(kind, self._open_shell(options, timeout), "")

    def sweep(self) -> None:
        """Close shells that were not used for a while."""
        limit = self._clock() - IDLE_TIMEOUT_S
        with self._lock:
            stale = [each for idle in self._idle.values() for each in idle if each.since < limit]
            self._idle = {
                kind: fresh for kind, idle in self._idle.items() if (fresh := [e for e in idle if e.since >= limit])
            }
        for each in stale:
            each.shell.close()

    def close(self) -> None:
        """Close all shells, those in use included."""
        with self._lock:
            shells = [each.shell for idle in self._idle.values() for each in idle] + list(self._lent)
            self._idle.clear()
            self._lent.clear()
        for shell in shells:
            shell.close()

    def _pop(self, kind: str) -> IdleShell | None:
        with self._lock:
            idle = self._idle.get(kind)
            return idle.pop() if idle else None

    def _lend(self, kind: str, shell: WebShell, note: str) -> ShellLease:
        def put_back(shell: WebShell, note: str | None) -> None:
            with self._lock:
                was_lent = shell in self._lent
                self._lent.discard(shell)
                if was_lent and note is not None:
                    self._idle.setdefault(kind, []).append(IdleShell(shell, note, self._clock()))
                    return
            if was_lent:
                shell.close()

        with self._lock:
            self._lent.add(shell)
        return ShellLease(shell, note, put_back)
