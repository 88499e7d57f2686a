# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client's connection to the session daemon: one request at a time, with its progress and its result."""

from __future__ import annotations

import contextlib
import math
import socket
import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.identity import VERSION, proof
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.line_reader import LineReader
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Progress


class DaemonGone(Exception):
    """The daemon ended, does not respond, or broke the protocol.

    `taken` is false only if the daemon certainly did not begin the request. `silent` means that the daemon is there
    and does not respond.
    """

    def __init__(self, *, taken: bool, silent: bool = False) -> None:
        super().__init__("the session daemon is gone")
        self.taken = taken
        self.silent = silent


class WrongDaemon(Exception):
    """The process that listens does not serve this client."""


class DaemonConnection:
    """A connection on which the daemon has greeted."""

    def __init__(self, connection: socket.socket, *, timeout: float | None = None, inode: int | None = None) -> None:
        """Wait up to `timeout` seconds for the greeting. Raises `DaemonGone` and `WrongDaemon`.

        `inode` is that of the socket file to which `connection` is connected.
        """
        self._socket = connection
        self._lines = LineReader(connection, max_bytes=protocol.MAX_LINE_BYTES)
        self.inode = inode
        self.is_idle = False
        self.pid = 0
        greeting = self._receive_or_fail(protocol.RESPONSE_TIMEOUT_S if timeout is None else timeout)
        match greeting:
            case {"daemon": {"protocol": protocol.PROTOCOL, "version": str() as version, "pid": int() as pid}}:
                self.pid = pid
                self.version = version
                self._challenge = greeting.get("challenge")
            case _:
                self.close()
                raise WrongDaemon

    def authenticate(self, credential: Credential, timeouts: Timeouts, idle: float) -> None:
        """Prove that this process knows the credential, and set the idle time in seconds. Raises `WrongDaemon`."""
        hello = {
            "proof": proof(credential, str(self._challenge)),
            "connect": timeouts.connect,
            "login_wait": timeouts.login_wait,
            "idle": idle,
        }
        if self.version != VERSION or "welcome" not in self.exchange(hello):
            self.close()
            raise WrongDaemon
        self.is_idle = True

    def exchange(self, frame: protocol.Frame, *, timeout: float | None = None) -> protocol.Frame:
        """Send a frame that is not a request and return the next frame. Raises `DaemonGone`."""
        self.send(frame)
        return self._receive_or_fail(protocol.RESPONSE_TIMEOUT_S if timeout is None else timeout)

    @property
    def is_usable(self) -> bool:
        """Whether the last request was answered and the daemon still has the connection open."""
        if not self.is_idle or not self._lines.is_empty:
            return False
        self._socket.settimeout(0)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        # The end of the connection, or data that belongs to no request.
        return False

    def request(
        self,
        request: bytes,
        *,
        notice: t.Callable[[str], None],
        progress: t.Callable[[Progress], None] | None,
        timeout: float = math.inf,
    ) -> t.Any:
        """Send a request and return its result. Notices and progress are reported in this thread meanwhile.

        `timeout` bounds the whole request, in seconds: keepalives alone do not show that the work proceeds. Raises
        `DaemonGone`, and the error of the request.
        """
        self.is_idle = False
        deadline = time.monotonic() + timeout
        self._send(request, timeout=protocol.RESPONSE_TIMEOUT_S)
        taken = False
        while True:
            try:
                received = self.receive(protocol.SILENCE_TIMEOUT_S if taken else protocol.RESPONSE_TIMEOUT_S)
            except DaemonGone:
                raise DaemonGone(taken=taken) from None
            if received is None or time.monotonic() > deadline:
                taken = self._cancel_request() or taken
                raise DaemonGone(taken=taken, silent=True)
            match received:
                case {"taken": _}:
                    taken = True
                case {"notice": str() as text}:
                    notice(text)
                case {"progress": [int() as percent, str() as description]} if progress:
                    progress(Progress(percent, description))
                case {"result": result}:
                    self.is_idle = True
                    return result
                case {"error": error}:
                    self.is_idle = True
                    raise self._parse_error(error)

    def send(self, frame: protocol.Frame) -> None:
        """Send a frame that is not a request. Another thread may receive meanwhile. Raises `DaemonGone`."""
        self._send(protocol.encode(frame), timeout=protocol.WRITE_TIMEOUT_S)

    def receive(self, timeout: float) -> protocol.Frame | None:
        """Return the next frame, or None if none arrives within `timeout` seconds. Raises `DaemonGone`."""
        try:
            return protocol.decode(self._lines.next(timeout))
        except TimeoutError:
            return None
        except (OSError, ValueError):
            # ValueError: not a frame, or another thread has closed the socket.
            self.close()
        raise DaemonGone(taken=False)

    def wait_for_close(self, timeout: float) -> bool:
        """Return whether the daemon closed the connection within `timeout` seconds."""
        try:
            self._receive_or_fail(timeout)
        except DaemonGone as lost:
            return not lost.taken
        return False

    def close(self) -> None:
        """Close the connection, also for its copies in forked processes."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self.close_inherited()

    def close_inherited(self) -> None:
        """Close this process's copy of a connection that belongs to the parent process."""
        self.is_idle = False
        self._socket.close()

    def _send(self, text: bytes, *, timeout: float) -> None:
        """Send an encoded frame; `timeout` is the longest time in which the daemon may read nothing, in seconds."""
        left = memoryview(text)
        try:
            self._socket.settimeout(timeout)
            while left:
                left = left[self._socket.send(left) :]
        except OSError as error:
            # The daemon does not act on a partial frame.
            silent = isinstance(error, TimeoutError)
            self.close()
        else:
            return
        raise DaemonGone(taken=False, silent=silent)

    def _cancel_request(self) -> bool:
        """Close the connection before the request is answered. Return whether the daemon may have begun it.

        The daemon first sends that it begins and then checks whether this end is still open. If it has sent nothing by
        now, it will not begin when it continues.
        """
        taken = False
        with contextlib.suppress(OSError, DaemonGone):
            self._socket.shutdown(socket.SHUT_WR)
            while not taken and (received := self.receive(0)) is not None:
                taken = "alive" not in received and "notice" not in received
        self.close()
        return taken

    def _receive_or_fail(self, timeout: float) -> protocol.Frame:
        """Return the next frame. Raises `DaemonGone`, with `taken` if the daemon does not respond."""
        received = self.receive(timeout)
        if received is not None:
            return received
        self.close()
        raise DaemonGone(taken=True, silent=True)

    def _parse_error(self, error: t.Any) -> Exception:
        try:
            return protocol.error_from_frame(error)
        except protocol.ProtocolError:
            self.close()
        return DaemonGone(taken=True)
