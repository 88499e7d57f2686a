# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection of a caller to the holder of a session: one request at a time, with its news and its answer."""

from __future__ import annotations

import contextlib
import socket
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Progress
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.identity import VERSION, proof
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.lines import Lines

# How long a holder may take to greet: it may only just have been started, on a busy machine.
GREETING = 20.0


class LinkLost(Exception):
    """The holder is gone, or says something strange; C(taken) unless it surely did nothing of what it was asked."""

    def __init__(self, *, taken: bool) -> None:
        super().__init__("the holder of the session is gone")
        self.taken = taken


class WrongHolder(Exception):
    """It is there, and does not serve this caller."""


class Link:
    """A connection on which the holder has greeted; raises LinkLost where it does not."""

    def __init__(self, connection: socket.socket, *, patience: float | None = None) -> None:
        self._socket = connection
        self._lines = Lines(connection, longest=protocol.LONGEST_LINE)
        self.is_idle = False
        self.pid = 0
        greeting = self._hear(GREETING if patience is None else patience)
        match greeting:
            case {"holder": {"protocol": protocol.PROTOCOL, "version": str(version), "pid": int(pid)}}:
                self.pid = pid
                self.version = version
                self._challenge = greeting.get("challenge")
            case _:
                self.close()
                raise WrongHolder

    def enter(self, credential: Credential, timeouts: Timeouts, idle: float) -> None:
        """Show that this caller knows the credential; raises WrongHolder."""
        hello = {
            "proof": proof(credential, str(self._challenge)),
            "connect": timeouts.connect,
            "login_wait": timeouts.login_wait,
            "idle": idle,
        }
        if self.version != VERSION or "welcome" not in self.exchange(hello):
            self.close()
            raise WrongHolder
        self.is_idle = True

    def exchange(self, frame: protocol.Frame, *, timeout: float | None = None) -> protocol.Frame:
        """Say one thing and hear one, beside requests."""
        self.say(frame)
        return self._hear(GREETING if timeout is None else timeout)

    @property
    def is_usable(self) -> bool:
        """Whether the last request was answered, and the holder is still there."""
        if not self.is_idle or not self._lines.is_empty:
            return False
        self._socket.settimeout(0)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        # Either the end, or something nobody asked for.
        return False

    def ask(
        self,
        request: bytes,
        *,
        notice: t.Callable[[str], None],
        progress: t.Callable[[Progress], None] | None,
    ) -> t.Any:
        """The result of a request, or its error as it is; news on the way are told in this thread."""
        self.is_idle = False
        self._say(request)
        taken = False
        while True:
            try:
                heard = self._hear(protocol.SILENCE)
            except LinkLost as lost:
                # A holder that hangs may still do it once it wakes up.
                raise LinkLost(taken=taken or lost.taken) from None
            match heard:
                case {"taken": _}:
                    taken = True
                case {"notice": str(text)}:
                    notice(text)
                case {"progress": [int(percent), str(description)]} if progress:
                    progress(Progress(percent, description))
                case {"result": result}:
                    self.is_idle = True
                    return result
                case {"error": error}:
                    self.is_idle = True
                    raise self._rebuilt(error)

    def say(self, frame: protocol.Frame) -> None:
        """Say something that is no request; another thread may listen meanwhile."""
        self._say(protocol.line(frame))

    def hear_within(self, timeout: float) -> protocol.Frame | None:
        """The next thing the holder says, None when it is silent for C(timeout) seconds."""
        try:
            return protocol.frame(self._lines.next(timeout))
        except TimeoutError:
            return None
        except (OSError, ValueError):
            # ValueError: garbled, or the socket was closed by another thread.
            self.close()
        raise LinkLost(taken=False)

    def wait_for_the_end(self, timeout: float) -> bool:
        """Whether the holder hung up in time."""
        try:
            self._hear(timeout)
        except LinkLost as lost:
            return not lost.taken
        return False

    def close(self) -> None:
        """Hang up, for copies of this connection in forked processes, too."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self.abandon()

    def abandon(self) -> None:
        """Let go of a connection that belongs to the process this one was forked from."""
        self.is_idle = False
        self._socket.close()

    def _say(self, text: bytes) -> None:
        try:
            self._socket.settimeout(protocol.SILENCE)
            self._socket.sendall(text)
        except OSError:
            # What was sent in part is never acted on.
            self.close()
        else:
            return
        raise LinkLost(taken=False)

    def _hear(self, timeout: float) -> protocol.Frame:
        """The next line; C(taken) of LinkLost tells a holder that hangs from one that has ended."""
        heard = self.hear_within(timeout)
        if heard is not None:
            return heard
        self.close()
        raise LinkLost(taken=True)

    def _rebuilt(self, error: t.Any) -> Exception:
        try:
            return protocol.unpacked(error)
        except protocol.Garbled:
            self.close()
        return LinkLost(taken=True)
