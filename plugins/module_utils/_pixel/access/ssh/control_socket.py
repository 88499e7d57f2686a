# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the process behind an OpenSSH control socket whether it responds (PROTOCOL.mux of OpenSSH)."""

from __future__ import annotations

import socket
import struct

RESPONSE_TIMEOUT_S = 2.0
"""How long the master may take. `ssh` waits for ever for one that is stopped."""

HELLO = 0x00000001
VERSION = 4
ALIVE_CHECK = 0x10000004
ALIVE = 0x80000005
REQUEST_ID = 0

PACKET_LIMIT_BYTES = 4096


def master_pid(path: str, timeout: float = RESPONSE_TIMEOUT_S) -> int | None:
    """Return the process ID of the master at a control socket; None if it does not respond within `timeout` seconds."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(path)
            connection.sendall(packet(HELLO, VERSION) + packet(ALIVE_CHECK, REQUEST_ID))
            kind, *_version = receive(connection)
            if kind != HELLO:
                return None
            kind, _request, pid, *_rest = receive(connection)
        except (OSError, ValueError, struct.error):
            return None
    return pid if kind == ALIVE else None


def packet(*numbers: int) -> bytes:
    """Return a packet: its length, and unsigned integers of 32 bits."""
    content = struct.pack(f">{len(numbers)}I", *numbers)
    return struct.pack(">I", len(content)) + content


def receive(connection: socket.socket) -> tuple[int, ...]:
    """Return the integers that the next packet begins with; a HELLO may also name extensions (PROTOCOL.mux).

    Raises `OSError`, and `ValueError` for a packet that is too long.
    """
    (size,) = struct.unpack(">I", read(connection, 4))
    if size > PACKET_LIMIT_BYTES:
        raise ValueError("the packet is too long")
    content = read(connection, size)
    return struct.unpack_from(f">{size // 4}I", content)


def read(connection: socket.socket, size: int) -> bytes:
    """Read exactly `size` bytes. Raises `OSError`."""
    content = b""
    while len(content) < size:
        piece = connection.recv(size - len(content))
        if not piece:
            raise ConnectionResetError
        content += piece
    return content
