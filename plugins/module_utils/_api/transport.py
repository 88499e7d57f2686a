# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send and receive messages over one websocket, without interpreting them. The only import of `websocket`."""

from __future__ import annotations

import http
import select
import socket
import ssl
import struct
import sys
import threading
import time
import traceback
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    GARBLED,
    ConnectionFailed,
    ConnectionLost,
    MissingLibrary,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.tcp_connect import connect

try:
    import websocket
except ImportError:
    WEBSOCKET_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    WEBSOCKET_IMPORT_ERROR = None

READ_TIMEOUT_S = 0.2
"""How long a read may hold the lock while a frame arrives in parts."""
SEND_TIMEOUT_S = 30.0
"""How long the NAS may accept no data. The largest message has 2 MiB."""
CLOSE_TIMEOUT_S = 1.0
MAX_UNBLOCKED_LENGTH = 1024
"""The longest message in characters that a writable socket accepts without blocking."""
LOCK_TIMEOUT_S = 0.02
"""Longer than a reader holds the lock for a complete frame."""

REDIRECTS = (301, 302, 303, 307, 308)
RESTARTING = (502, 503, 504)

CLOSE_REASONS = {
    1007: "a message before the login was too long",
    1008: "it does not allow the address of this machine. Check the allowed IP addresses in its GUI settings",
    1009: "a message was too long",
    1011: "an internal error of its middleware",
}
"""Why TrueNAS closes a connection, by the code of the close frame."""


API = "/api/current"


class WebSocketTransport:
    """A websocket to one NAS, at its API or at another path. One thread receives, any thread sends.

    The lock keeps a second thread out of the TLS library, which does not support concurrent calls.
    """

    def __init__(self, endpoint: Endpoint, *, timeout: float, path: str = API) -> None:
        """Connect within `timeout` seconds. Raises `ConnectionFailed` and `MissingLibrary`."""
        if WEBSOCKET_IMPORT_ERROR:
            raise MissingLibrary(
                f"cannot connect to {endpoint.nas}: the Python library websocket-client is not installed for "
                f"{sys.executable}. Install it with {sys.executable} -m pip install websocket-client",
                library="websocket-client",
                trace=WEBSOCKET_IMPORT_ERROR,
            )
        self._nas = endpoint.nas
        self._lock = threading.Lock()
        self._hung_up = False
        self._is_stuck = False
        self._websocket, self._socket = _open_websocket(endpoint, timeout, path)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._arrived = select.poll()
        self._arrived.register(self._socket, select.POLLIN)
        self._room = select.poll()
        self._room.register(self._socket, select.POLLOUT)
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._poll.register(self._wake_reader, select.POLLIN)
        self.last_received = time.monotonic()

    def send(self, text: str) -> None:
        """Send a text message. Raises `ConnectionLost` with `sent` false: the NAS does not act on a partial message."""
        self._send(text, websocket.ABNF.OPCODE_TEXT)

    def send_unblocked(self, text: str) -> bool:
        """Send a text message without blocking. Return false, and send nothing, if that is not possible."""
        if len(text) > MAX_UNBLOCKED_LENGTH or not self._lock.acquire(timeout=LOCK_TIMEOUT_S):
            return False
        try:
            if self._hung_up or self._is_stuck or not self._has_room():
                return False
            self._send_locked(text, websocket.ABNF.OPCODE_TEXT)
        finally:
            self._lock.release()
        return True

    def send_bytes(self, data: bytes) -> None:
        """Send a binary message. Raises `ConnectionLost`."""
        self._send(data, websocket.ABNF.OPCODE_BINARY)

    def _send(self, payload: str | bytes, opcode: int) -> None:
        with self._lock:
            self._send_locked(payload, opcode)

    def _send_locked(self, payload: str | bytes, opcode: int) -> None:
        try:
            self._writable().settimeout(SEND_TIMEOUT_S)
            self._websocket.send(payload, opcode)
        except (OSError, websocket.WebSocketException):
            # Part of the message may be sent: no other may follow it, but receiving still works.
            self._is_stuck = True
        else:
            return
        raise self._lost("it accepted no more data", ending="broken")

    def ping(self) -> None:
        """Send a ping. The reply updates `last_received`. Raises `ConnectionLost`."""
        self._send(b"", websocket.ABNF.OPCODE_PING)

    def receive(self, timeout: float) -> str | None:
        """Return the next text message, or None if none arrives in about `timeout` seconds. Raises `ConnectionLost`."""
        message = self.receive_message(timeout)
        if isinstance(message, bytes):
            raise self._lost("it sent a binary message", passing=False, ending=GARBLED)
        return message

    def receive_message(self, timeout: float) -> str | bytes | None:
        """Return the next text or binary message, as `receive` does."""
        if not self._readable(timeout):
            return None
        try:
            with self._lock:
                self._usable().settimeout(READ_TIMEOUT_S)
                opcode, frame = self._websocket.recv_data_frame(control_frame=True)
        except websocket.WebSocketTimeoutException:
            return None  # Part of a frame, which the library keeps for the next call.
        except (OSError, websocket.WebSocketException, struct.error):
            reason = "the connection broke off"
        else:
            self.last_received = time.monotonic()
            return self._payload(opcode, frame.data)
        raise self._lost(reason, ending="broken")

    def receive_arrived(self) -> str | bytes | None:
        """Return the next message if it has arrived. Unlike `receive_message(0)`, read on after an interrupt or a pong.

        Raises `ConnectionLost`.
        """
        while self._has_arrived():
            message = self.receive_message(0)
            if message is not None:
                return message
        return None

    def interrupt(self) -> None:
        """Make the current or the next call of `receive` return None immediately."""
        self._wake_writer.send(b"!")

    def hang_up(self, *, politely: bool = False) -> None:
        """Close the connection, with `politely` after a close frame. Any thread may call this; `receive` then fails."""
        with self._lock:
            if self._hung_up:
                return
            self._hung_up = True
            try:
                if politely:
                    self._socket.settimeout(CLOSE_TIMEOUT_S)
                    self._websocket.send_close()
                self._socket.shutdown(socket.SHUT_RDWR)
            except (OSError, websocket.WebSocketException):
                return

    def release(self) -> None:
        """Free the socket. Only the receiving thread may call this, as its last step."""
        self.hang_up()
        with self._lock:
            self._websocket.shutdown()
            self._wake_reader.close()
            self._wake_writer.close()

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

    def _has_arrived(self) -> bool:
        return self._is_decrypted() or bool(self._arrived.poll(0))

    def _is_decrypted(self) -> bool:
        """Return whether the TLS library holds data, which the socket then no longer has."""
        with self._lock:
            return isinstance(self._socket, ssl.SSLSocket) and not self._hung_up and self._socket.pending() > 0

    def _readable(self, timeout: float) -> bool:
        if self._is_decrypted():
            return True
        ready = {number for number, _event in self._poll.poll(max(timeout, 0) * 1000)}
        if self._wake_reader.fileno() in ready:
            self._wake_reader.recv(1)
            return False
        return bool(ready)

    def _payload(self, opcode: int, payload: bytes) -> str | bytes | None:
        if opcode == websocket.ABNF.OPCODE_TEXT:
            try:
                return payload.decode("utf-8")
            except UnicodeDecodeError:
                raise self._lost("it sent a text message that is not UTF-8", passing=False, ending=GARBLED) from None
        if opcode == websocket.ABNF.OPCODE_BINARY:
            return payload
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1000
            why = CLOSE_REASONS.get(code, f"it closed the connection (code {code})")
            raise self._lost(why, passing=code != 1008, ending="closed")
        return None

    def _lost(self, reason: str, *, passing: bool = True, ending: str = "") -> ConnectionLost:
        return ConnectionLost(f"lost the connection to {self._nas}: {reason}", passing=passing, ending=ending)


def _open_websocket(endpoint: Endpoint, timeout: float, path: str) -> tuple[t.Any, socket.socket]:
    deadline = time.monotonic() + timeout
    connection = connect(endpoint, timeout)
    connection.settimeout(max(deadline - time.monotonic(), 0.1))
    # The library's check takes a third of a second for 2 MB. Decoding the text checks it as well.
    client: t.Any = websocket.WebSocket(enable_multithread=False, skip_utf8_validation=True)
    try:
        # With a connected socket the library uses no proxy. Redirects are not followed: they could expose the API key.
        client.connect(endpoint.url_of(path), socket=connection, redirect_limit=0, http_no_proxy=["*"])
    except websocket.WebSocketBadStatusException as error:
        failure = _bad_status(endpoint, error.status_code, path)
    except (websocket.WebSocketTimeoutException, TimeoutError):
        failure = ConnectionFailed(
            f"cannot connect to {endpoint.nas}: it accepted the connection but did not reply within {timeout:g} s. "
            "Check that the port is that of its web interface"
        )
    except (websocket.WebSocketException, OSError, ValueError, IndexError):
        # IndexError: releases up to 1.9.1 raise it for a reply that is not HTTP.
        failure = _no_websocket(endpoint, client)
    else:
        if client.getstatus() == http.HTTPStatus.SWITCHING_PROTOCOLS:
            return client, connection
        # Releases up to 1.9.1 treat a redirect that they may not follow as success.
        failure = _no_websocket(endpoint, client)
    connection.close()
    raise failure


def _bad_status(endpoint: Endpoint, status: int, path: str) -> ConnectionFailed:
    nas = endpoint.nas
    if status == 404:
        return ConnectionFailed(
            f"{nas} has no API at {path} (HTTP 404): it is not a TrueNAS system, or older than TrueNAS 25.04",
            permanent=True,
        )
    if status in REDIRECTS:
        return _redirected(endpoint, status)
    if status in RESTARTING:
        return ConnectionFailed(
            f"the middleware of {nas} does not reply (HTTP {status}): it is starting or restarting. Try again later",
            passing=True,
        )
    if status == 400 and endpoint.plain:
        return ConnectionFailed(
            f"{nas} requires TLS on port {endpoint.port} (HTTP 400). Use an encrypted connection (wss)",
            permanent=True,
        )
    return ConnectionFailed(
        f"{nas} refused a connection to its API at {path} (HTTP {status}). "
        "Check that host and port are those of a TrueNAS web interface"
    )


def _redirected(endpoint: Endpoint, status: int) -> ConnectionFailed:
    return ConnectionFailed(
        f"{endpoint.nas} redirects to another address (HTTP {status}). "
        "Use its HTTPS port (443 by default) with an encrypted connection (wss)",
        permanent=True,
    )


def _no_websocket(endpoint: Endpoint, client: t.Any) -> ConnectionFailed:
    reply = client.handshake_response
    if reply is not None and reply.status in REDIRECTS:
        return _redirected(endpoint, reply.status)
    advice = "Check the port, and use an encrypted connection (wss) for HTTPS" if endpoint.plain else "Check the port"
    return ConnectionFailed(
        f"cannot connect to {endpoint.nas}: port {endpoint.port} is not that of a TrueNAS web interface. {advice}"
    )
