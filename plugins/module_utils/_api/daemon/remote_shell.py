# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web shell that the session daemon has open, as the client sees it that has borrowed it."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client_connection import (
    DaemonConnection,
    DaemonGone,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost

CHUNK_BYTES = 64 * 1024


class RemoteShell:
    """A shell over a connection to the daemon (see `ShellLike`). One thread receives, and another may send."""

    def __init__(
        self,
        connection: DaemonConnection,
        note: str,
        *,
        id: str,
        nas: str,
        put_back: t.Callable[[DaemonConnection], None],
    ) -> None:
        """`put_back` gets the connection once the shell is given back."""
        self.note = note
        self.id = id
        self._connection = connection
        self._connection.is_idle = False
        self._nas = nas
        self._put_back = put_back
        self._last_received = time.monotonic()

    def send(self, data: bytes) -> None:
        """Send input. Raises `ConnectionLost`."""
        for start in range(0, len(data), CHUNK_BYTES):
            self._send({"input": data[start : start + CHUNK_BYTES]})

    def receive(self, timeout: float) -> bytes | None:
        """Return the next output, or None if none arrives within `timeout` seconds. Raises `ConnectionLost`."""
        match self._receive(timeout):
            case {"output": bytes() as data}:
                return data
            case {"over": error}:
                self._connection.close()
                raise protocol.error_from_frame(error)
        return None

    def give_back(self, note: str) -> None:
        """Return the shell to the daemon for reuse, with a note for its next user."""
        self._send({"give_back": note})
        while True:
            match self._receive(protocol.SILENCE_TIMEOUT_S):
                case {"result": _}:
                    self._connection.is_idle = True
                    return self._put_back(self._connection)
                case {"over": _}:
                    return self._connection.close()

    def discard(self) -> None:
        """End the shell."""
        self._connection.close()

    def _send(self, frame: protocol.Frame) -> None:
        try:
            self._connection.send(frame)
        except DaemonGone:
            lost = self._lost()
        else:
            return
        raise lost

    def _receive(self, timeout: float) -> protocol.Frame | None:
        try:
            received = self._connection.receive(timeout)
        except DaemonGone:
            received = None
        else:
            if received is not None:
                self._last_received = time.monotonic()
                return received
            silence = time.monotonic() - self._last_received
            if silence < protocol.SILENCE_TIMEOUT_S:
                return None
            self._connection.close()
            raise ConnectionLost(
                f"lost the shell on {self._nas}: the session daemon stopped responding (no reply for {silence:.0f} s). "
                "A command that ran in the shell may continue"
            )
        self._connection.close()
        raise self._lost()

    def _lost(self) -> ConnectionLost:
        return ConnectionLost(f"lost the shell on {self._nas}: the session daemon ended")
