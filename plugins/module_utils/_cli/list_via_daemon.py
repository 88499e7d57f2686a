# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb list without options over an open session, with few imports: the session daemon in the note is queried."""

from __future__ import annotations

import _socket
import json
import os

from ansible_collections.pixels.truenas.plugins.module_utils._api import sha256
from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_note, list_table
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import summary_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

GREETING_TIMEOUT_S = 0.5
"""The session daemon greets within milliseconds. The other routes wait longer for it."""

RESPONSE_TIMEOUT_S = 2.0
"""The daemon sends a keepalive every 0.5 s while it waits for the NAS."""

CHUNK_BYTES = 64 * 1024


class UnexpectedAnswer(Exception):
    """Another route has to list the pixels."""


class NoDaemon(Exception):
    """No session is open."""


def listing(note: list_note.Note) -> list[list_table.Row] | None:
    """Return the pixels by their full names, or None if another route has to list them.

    Raises `TimedOut`, and `NoDaemon` if no session is open.
    """
    if not note["daemon"]:
        raise NoDaemon
    try:
        return list_table.summarize(query(note, note["daemon"]))
    except (FileNotFoundError, ConnectionRefusedError):
        raise NoDaemon from None
    except (*list_note.UNUSABLE, UnexpectedAnswer):
        return None


class Daemon:
    """A connection to the session daemon. `_socket` is what `socket` extends, at the cost of many imports."""

    def __init__(self, path: str) -> None:
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self._received = b""
        try:
            self._socket.settimeout(GREETING_TIMEOUT_S)
            self._socket.connect(path)
            self._reject_other_users()
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._socket.close()

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

    def send(self, frame: dict[str, t.Any]) -> None:
        """Send a frame."""
        self._socket.sendall(json.dumps(frame).encode() + b"\n")

    def wait_longer(self) -> None:
        """Wait for keepalives from now on."""
        self._socket.settimeout(RESPONSE_TIMEOUT_S)

    def _reject_other_users(self) -> None:
        """Raise `UnexpectedAnswer` for the daemon of another user. Without SO_PEERCRED, the directory protects it."""
        if hasattr(_socket, "SO_PEERCRED"):
            peer = self._socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
            _pid, uid, _gid = memoryview(peer).cast("i")
            if uid != os.geteuid():
                raise UnexpectedAnswer


def query(note: list_note.Note, place: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return the rows of the NAS. Raises `TimedOut`, `UnexpectedAnswer`, and any error of a malformed answer."""
    method, params = summary_row.query(list_table.PREFIX)
    with Daemon(place["socket"]) as daemon:
        greeting = daemon.receive()
        if (greeting["daemon"]["protocol"], greeting["daemon"]["version"]) != (place["protocol"], place["version"]):
            raise UnexpectedAnswer
        daemon.send({"proof": proof(note, greeting["challenge"]), **place["terms"]})
        if "welcome" not in daemon.receive():
            raise UnexpectedAnswer
        daemon.wait_longer()
        timeout = note["call_timeout"]
        daemon.send({"do": "read", "method": method, "params": params, "timeout": timeout, "progress": False})
        while "result" not in (answer := daemon.receive()):
            if "error" in answer:
                reject(answer["error"])
        rows: list[dict[str, t.Any]] = answer["result"]
        return rows


def reject(error: dict[str, t.Any]) -> t.NoReturn:
    """Raise a `TimedOut`, since another route would wait as long again, and `UnexpectedAnswer` for other errors."""
    if error["class"] != "TimedOut":
        raise UnexpectedAnswer
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import protocol

    raise protocol.error_from_frame(error)


def proof(note: list_note.Note, challenge: str) -> str:
    """Return the proof that this process has the secret, as `identity.proof` does."""
    secret = f"{note['username']}\n{list_note.secret_of(note)}"
    return sha256.hmac_sha256(secret.encode(), challenge.encode())
