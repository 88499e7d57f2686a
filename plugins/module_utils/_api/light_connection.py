# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call methods of a NAS with few imports: a websocket over TLS for one short exchange, without websocket-client.

`transport.py` does the same for sessions, which reconnect, and says what exactly failed. Here, any failure is an
`OSError` or a `ValueError`, after which the caller uses a session.
"""

from __future__ import annotations

import json
import os
import socket
import time

from ansible_collections.pixels.truenas.plugins.module_utils._api import tls_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

API = "/api/current"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""Of RFC 6455."""

MAX_HEADER_BYTES = 16 * 1024
MAX_MESSAGE_BYTES = 256 * 1024 * 1024
CHUNK_BYTES = 64 * 1024

CONTINUATION, TEXT, CLOSE, PING, PONG = 0x0, 0x1, 0x8, 0x9, 0xA
FINAL, MASKED = 0x80, 0x80


class UnexpectedData(ValueError):
    """The NAS sent something else than the reply to a call."""


class LightConnection:
    """A connection with a verified certificate. Raises `OSError`, `TimeoutError` included, and `ValueError`."""

    def __init__(self, host: str, port: int, ca_path: str | None, timeout: float) -> None:
        """Connect within `timeout` seconds."""
        self._deadline = time.monotonic() + timeout
        self._socket = socket.create_connection((host, port), timeout=timeout)
        self._buffer = bytearray()
        self._calls = 0
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = tls_context.verifying(ca_path).wrap_socket(self._socket, server_hostname=host)
            self._upgrade(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        """Close the connection without waiting for the NAS."""
        self._socket.close()

    def call(self, method: str, params: t.Sequence[t.Any], timeout: float) -> t.Any:
        """Return the result of a method within `timeout` seconds."""
        self._deadline = time.monotonic() + timeout
        self._calls += 1
        request = {"jsonrpc": "2.0", "id": self._calls, "method": method, "params": params}
        self._send(TEXT, json.dumps(request).encode())
        while True:
            try:
                reply = json.loads(self._receive())
            except RecursionError:
                raise UnexpectedData(method) from None
            if not isinstance(reply, dict):
                raise UnexpectedData(method)
            if reply.get("id") != self._calls:
                # An event.
                continue
            if "result" not in reply:
                raise UnexpectedData(method)
            return reply["result"]

    def _upgrade(self, host: str) -> None:
        import binascii
        import hashlib

        key = binascii.b2a_base64(os.urandom(16), newline=False)
        lines = (
            f"GET {API} HTTP/1.1",
            f"Host: {host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key.decode()}",
            "Sec-WebSocket-Version: 13",
        )
        self._socket.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEADER_BYTES:
                raise UnexpectedData("a header without an end")
            self._fill()
        status, *headers = bytes(self._take(end + 4)).split(b"\r\n")
        accepted = binascii.b2a_base64(hashlib.sha1(key + GUID, usedforsecurity=False).digest(), newline=False)
        values = {
            name.strip().lower(): value.strip() for name, _colon, value in (line.partition(b":") for line in headers)
        }
        if status.split()[1:2] != [b"101"] or values.get(b"sec-websocket-accept") != accepted:
            raise UnexpectedData("no websocket")

    def _send(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            length = bytes((MASKED | size,))
        elif size < 1 << 16:
            length = bytes((MASKED | 126,)) + size.to_bytes(2, "big")
        else:
            length = bytes((MASKED | 127,)) + size.to_bytes(8, "big")
        mask = os.urandom(4)
        pattern = (mask * (size // 4 + 1))[:size]
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(pattern, "big")).to_bytes(size, "big")
        self._socket.sendall(bytes((FINAL | opcode,)) + length + mask + masked)

    def _receive(self) -> bytes:
        """Return the next text message."""
        message = bytearray()
        while True:
            is_final, opcode, payload = self._frame(MAX_MESSAGE_BYTES - len(message))
            if opcode == PING:
                self._send(PONG, payload)
            elif opcode in (CONTINUATION, TEXT):
                message += payload
                if is_final:
                    return bytes(message)
            elif opcode != PONG:
                raise UnexpectedData("the connection was closed" if opcode == CLOSE else "no text")

    def _frame(self, limit: int) -> tuple[bool, int, bytes]:
        first, second = self._read(2)
        size = second & ~MASKED
        if size > 125:
            size = int.from_bytes(self._read(2 if size == 126 else 8), "big")
        if second & MASKED or size > limit:
            raise UnexpectedData("a frame that no server may send")
        return bool(first & FINAL), first & 0x0F, self._read(size)

    def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill()
        return self._take(size)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _fill(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        received = self._socket.recv(CHUNK_BYTES)
        if not received:
            raise UnexpectedData("the connection was closed")
        self._buffer += received
