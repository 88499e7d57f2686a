# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves messages over one websocket; knows nothing of what they say."""

from __future__ import annotations

import http
import select
import socket
import ssl
import struct
import threading
import time
import traceback
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.dialing import dial
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    ConnectionLost,
    MissingLibrary,
)

try:
    import websocket
except ImportError:
    WEBSOCKET_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    WEBSOCKET_IMPORT_ERROR = None

# How long the reader may keep the socket to itself when a frame arrives in pieces.
READ_TURN = 0.2
# A NAS that takes nothing for so long is gone; the largest message is 2 MiB.
SEND_TIMEOUT = 30.0
GOODBYE_TIMEOUT = 1.0
# Characters that fit into what a socket that takes anything at all has room for.
SENT_AT_ONCE = 1024
# What whoever receives needs to take a frame out of the library, and a busy machine some of it to let go.
A_MOMENT = 0.02

REDIRECTS = (301, 302, 303, 307, 308)
RESTARTING = (502, 503, 504)

CLOSE_REASONS = {
    1007: "a message before the login was longer than it allows",
    1008: "it does not accept the address of this machine: see the list of allowed addresses in its GUI settings",
    1009: "a message was longer than it allows",
    1011: "an internal error of its middleware",
}


API = "/api/current"


class WebSocketTransport:
    """A websocket to one NAS, at its API or at another path: one thread receives, any thread sends.

    The lock makes sure that only one thread at a time is inside the TLS library, which is not made for two.
    """

    def __init__(self, endpoint: Endpoint, *, timeout: float, path: str = API) -> None:
        """Connect within C(timeout) seconds, or raise ConnectionFailed."""
        if WEBSOCKET_IMPORT_ERROR:
            raise MissingLibrary(
                "the Python library websocket-client is needed to talk to TrueNAS: install it with pip",
                library="websocket-client",
                trace=WEBSOCKET_IMPORT_ERROR,
            )
        self._nas = endpoint.nas
        self._turn = threading.Lock()
        self._hung_up = False
        self._is_stuck = False
        self._websocket, self._socket = _shake_hands(endpoint, timeout, path)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._room = select.poll()
        self._room.register(self._socket, select.POLLOUT)
        self._bell, self._ringer = socket.socketpair()
        self._poll.register(self._bell, select.POLLIN)
        self.last_heard = time.monotonic()

    def send(self, text: str) -> None:
        """Send one message; raises ConnectionLost with C(sent) false, as a message sent in part is never acted on."""
        self._send(text, websocket.ABNF.OPCODE_TEXT)

    def send_at_once(self, text: str) -> bool:
        """The same where nothing is in its way; false where it would have to wait, and then nothing was sent."""
        if len(text) > SENT_AT_ONCE or not self._turn.acquire(timeout=A_MOMENT):
            return False
        try:
            if self._hung_up or self._is_stuck or not self._has_room():
                return False
            self._send_in_turn(text, websocket.ABNF.OPCODE_TEXT)
        finally:
            self._turn.release()
        return True

    def send_bytes(self, data: bytes) -> None:
        """The same for a message that is no text."""
        self._send(data, websocket.ABNF.OPCODE_BINARY)

    def _send(self, payload: str | bytes, opcode: int) -> None:
        with self._turn:
            self._send_in_turn(payload, opcode)

    def _send_in_turn(self, payload: str | bytes, opcode: int) -> None:
        try:
            self._writable().settimeout(SEND_TIMEOUT)
            self._websocket.send(payload, opcode)
        except (OSError, websocket.WebSocketException):
            # Half a message may be out: nothing may follow it, but what comes in still counts.
            self._is_stuck = True
        else:
            return
        raise self._lost("it took no more data", ending="broken")

    def ping(self) -> None:
        """Ask for a sign of life, which shows as a later C(last_heard)."""
        try:
            with self._turn:
                self._writable().settimeout(SEND_TIMEOUT)
                self._websocket.ping()
        except (OSError, websocket.WebSocketException):
            self._is_stuck = True
        else:
            return
        raise self._lost("it took no more data", ending="broken")

    def receive(self, timeout: float) -> str | None:
        """The next text, or None when none came within about C(timeout) seconds; raises ConnectionLost."""
        message = self.receive_message(timeout)
        return message if isinstance(message, str) else None

    def receive_message(self, timeout: float) -> str | bytes | None:
        """The same for any message; one that is no text comes as bytes."""
        if not self._readable(timeout):
            return None
        try:
            with self._turn:
                self._usable().settimeout(READ_TURN)
                opcode, frame = self._websocket.recv_data_frame(control_frame=True)
        except websocket.WebSocketTimeoutException:
            return None  # Half a frame: the library keeps it, and goes on where it stopped.
        except (OSError, websocket.WebSocketException, struct.error):
            reason = "the connection broke off"
        else:
            self.last_heard = time.monotonic()
            return self._payload(opcode, frame.data)
        raise self._lost(reason, ending="broken")

    def interrupt(self) -> None:
        """Have whoever waits in C(receive), or is the next to do so, come back from it with nothing."""
        self._ringer.send(b"!")

    def hang_up(self, *, politely: bool = False) -> None:
        """End the conversation; whoever waits in C(receive) notices at once. May be called by any thread, and twice."""
        with self._turn:
            if self._hung_up:
                return
            self._hung_up = True
            try:
                if politely:
                    self._socket.settimeout(GOODBYE_TIMEOUT)
                    self._websocket.send_close()
                self._socket.shutdown(socket.SHUT_RDWR)
            except (OSError, websocket.WebSocketException):
                return

    def release(self) -> None:
        """Give the socket back; only for the thread that receives, as the last thing it does."""
        self.hang_up()
        with self._turn:
            self._websocket.shutdown()
            self._bell.close()
            self._ringer.close()

    def _has_room(self) -> bool:
        return any(event & select.POLLOUT for _number, event in self._room.poll(0))

    def _usable(self) -> socket.socket:
        if self._hung_up:
            raise OSError("hung up")
        return self._socket

    def _writable(self) -> socket.socket:
        if self._is_stuck:
            raise OSError("stuck")
        return self._usable()

    def _readable(self, timeout: float) -> bool:
        with self._turn:
            if isinstance(self._socket, ssl.SSLSocket) and not self._hung_up and self._socket.pending():
                return True
        ready = {number for number, _event in self._poll.poll(max(timeout, 0) * 1000)}
        if self._bell.fileno() in ready:
            self._bell.recv(1)
            return False
        return bool(ready)

    def _payload(self, opcode: int, payload: bytes) -> str | bytes | None:
        if opcode == websocket.ABNF.OPCODE_TEXT:
            try:
                return payload.decode("utf-8")
            except UnicodeDecodeError:
                raise self._lost("it sent what is no text", ending="broken") from None
        if opcode == websocket.ABNF.OPCODE_BINARY:
            return payload
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1000
            why = CLOSE_REASONS.get(code, f"it closed the connection (code {code})")
            raise self._lost(why, passing=code != 1008, ending="closed")
        return None

    def _lost(self, reason: str, *, passing: bool = True, ending: str = "") -> ConnectionLost:
        return ConnectionLost(f"lost the connection to {self._nas}: {reason}", passing=passing, ending=ending)


def _shake_hands(endpoint: Endpoint, timeout: float, path: str) -> tuple[t.Any, socket.socket]:
    deadline = time.monotonic() + timeout
    connection = dial(endpoint, timeout)
    connection.settimeout(max(deadline - time.monotonic(), 0.1))
    # It would look at each byte of a text in Python, a third of a second for 2 MB. Decoding it tells as well.
    client: t.Any = websocket.WebSocket(enable_multithread=False, skip_utf8_validation=True)
    try:
        # A socket of our own keeps the library from using proxies; redirects lead nowhere an API key should follow.
        client.connect(endpoint.url_of(path), socket=connection, redirect_limit=0, http_no_proxy=["*"])
    except websocket.WebSocketBadStatusException as error:
        failure = _bad_status(endpoint, error.status_code, path)
    except (websocket.WebSocketTimeoutException, TimeoutError):
        failure = ConnectionFailed(
            f"{endpoint.nas} took the connection but did not answer within {timeout:g} s: is this its web interface?"
        )
    except (websocket.WebSocketException, OSError, ValueError, IndexError):
        # IndexError: what releases up to 1.9.1 make of a greeting that is no HTTP.
        failure = _no_websocket(endpoint, client)
    else:
        if client.getstatus() == http.HTTPStatus.SWITCHING_PROTOCOLS:
            return client, connection
        # Releases up to 1.9.1 take a redirect that they were told not to follow for a success.
        failure = _no_websocket(endpoint, client)
    connection.close()
    raise failure


def _bad_status(endpoint: Endpoint, status: int, path: str) -> ConnectionFailed:
    nas = endpoint.nas
    if status == 404:
        return ConnectionFailed(
            f"{nas} has no API at {path} (HTTP 404): it is older than TrueNAS 25.04, or it is not a TrueNAS"
        )
    if status in REDIRECTS:
        return _redirected(endpoint, status)
    if status in RESTARTING:
        return ConnectionFailed(
            f"the middleware of {nas} does not answer (HTTP {status}): it is starting or restarting, try again soon",
            passing=True,
        )
    if status == 400 and endpoint.plain:
        return ConnectionFailed(
            f"{nas} expects TLS on port {endpoint.port} (HTTP 400): use an encrypted connection (wss), not a plain one"
        )
    return ConnectionFailed(
        f"{nas} does not open its API at {path} (HTTP {status}): is this the web interface of a TrueNAS?"
    )


def _redirected(endpoint: Endpoint, status: int) -> ConnectionFailed:
    return ConnectionFailed(
        f"{endpoint.nas} redirects to another address (HTTP {status}): "
        "use its HTTPS port (443 unless it was changed) with an encrypted connection (wss)"
    )


def _no_websocket(endpoint: Endpoint, client: t.Any) -> ConnectionFailed:
    answer = client.handshake_response
    if answer is not None and answer.status in REDIRECTS:
        return _redirected(endpoint, answer.status)
    hint = "check the port, and use an encrypted connection (wss) for HTTPS" if endpoint.plain else "check the port"
    return ConnectionFailed(
        f"something that is not a TrueNAS web interface answers at {endpoint.nas} on port {endpoint.port}: {hint}"
    )
