# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the session daemon with few imports. If anything is unexpected, another route has to run the verb."""

from __future__ import annotations

import _socket
import json
import os
from sys import byteorder

from ansible_collections.pixels.truenas.plugins.module_utils._api import sha256
from ansible_collections.pixels.truenas.plugins.module_utils._cli import nas_note

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

GREETING_TIMEOUT_S = 0.5
"""The session daemon greets within milliseconds. The other routes wait longer for it."""

CHUNK_BYTES = 64 * 1024


class UnexpectedAnswer(Exception):
    """Another route has to run the verb."""


class Daemon:
    """A connection to the session daemon. `_socket` is what `socket` extends, at the cost of many imports."""

    def __init__(self, path: str) -> None:
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self._received = b""
        try:
            self.set_timeout(GREETING_TIMEOUT_S)
            self._socket.connect(path)
            self._reject_other_users()
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._socket.close()

    def authenticate(self, note: nas_note.Note) -> None:
        """Prove that this process has the secret. Raises `UnexpectedAnswer`, and any error of a malformed answer."""
        place = note["daemon"]
        greeting = self.receive()
        if (greeting["daemon"]["protocol"], greeting["daemon"]["version"]) != (place["protocol"], place["version"]):
            raise UnexpectedAnswer
        self.send({"proof": proof(note, greeting["challenge"]), **place["terms"]})
        if "welcome" not in self.receive():
            raise UnexpectedAnswer

    def receive(self) -> dict[str, t.Any]:
        """Return the next frame."""
        pieces = [self._received]
        while b"\n" not in pieces[-1]:
            pieces.append(self._socket.recv(CHUNK_BYTES))
            if not pieces[-1]:
                raise UnexpectedAnswer
        line, _end, self._received = b"".join(pieces).partition(b"\n")
        frame: dict[str, t.Any] = json.loads(line)
        return frame

    def send(self, frame: dict[str, t.Any], *, files: t.Sequence[int] = ()) -> None:
        """Send a frame, and copies of open files with it."""
        line = json.dumps(frame).encode() + b"\n"
        if files:
            rights = b"".join(number.to_bytes(4, byteorder) for number in files)
            line = line[self._socket.sendmsg([line], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)]) :]
        # Even sending nothing fails if the other process has replied and closed the connection meanwhile.
        if line:
            self._socket.sendall(line)

    def set_timeout(self, timeout: float | None) -> None:
        """Set the time to wait for each part of a frame, in seconds; None waits forever."""
        self._socket.settimeout(timeout)

    def shut_down(self) -> None:
        """End the connection in both directions. What has arrived can still be received."""
        self._socket.shutdown(_socket.SHUT_RDWR)

    def _reject_other_users(self) -> None:
        """Raise `UnexpectedAnswer` for the daemon of another user. Without SO_PEERCRED, the directory protects it."""
        if hasattr(_socket, "SO_PEERCRED"):
            peer = self._socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
            _pid, uid, _gid = memoryview(peer).cast("i")
            if uid != os.geteuid():
                raise UnexpectedAnswer


def proof(note: nas_note.Note, challenge: str) -> str:
    """Return the proof that this process has the secret, as `identity.proof` does."""
    secret = f"{note['username']}\n{nas_note.secret_of(note)}"
    return sha256.hmac_sha256(secret.encode(), challenge.encode())
