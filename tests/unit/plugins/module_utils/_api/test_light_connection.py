# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of a short connection to a NAS without websocket-client."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.light_connection import (
    LightConnection,
    UnexpectedData,
)


@pytest.fixture
def connection(truenas):
    opened = LightConnection(truenas.host, truenas.port, truenas.ca_file, 5)
    yield opened
    opened.close()


@pytest.fixture
def speaking(trusted):
    """Return a connection to a server that shakes hands and then sends these bytes, after it has read a request."""
    with contextlib.ExitStack() as stack:

        def serve(listener, pieces, heard):
            with (
                contextlib.suppress(OSError),
                listener.accept()[0] as raw,
                trusted.context().wrap_socket(raw, server_side=True) as peer,
            ):
                key = peer.recv(4096).partition(b"Sec-WebSocket-Key: ")[2].split(b"\r\n")[0]
                accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                peer.sendall(b"HTTP/1.1 101 X\r\nsec-websocket-accept: " + accept + b"\r\n\r\n")
                heard.append(peer.recv(4096))
                for piece in pieces:
                    peer.sendall(piece)
                heard.append(peer.recv(4096))

        def open_connection(*pieces):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            heard = []
            server = threading.Thread(target=serve, args=(listener, pieces, heard), daemon=True)
            server.start()
            stack.callback(server.join, 10)
            opened = LightConnection(*listener.getsockname(), str(trusted.ca_file), 5)
            stack.callback(opened.close)
            return opened, heard, server

        yield open_connection


def frame(payload, *, opcode=1, final=True):
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + struct.pack("!H", size)
    return bytes([opcode | (0x80 if final else 0)]) + length + payload


def reply(number=1, **content):
    return json.dumps({"jsonrpc": "2.0", "id": number, **content}).encode()


def test_calls_are_answered_in_turn(connection, truenas):
    account = {"username": truenas.username, "login_options": {"user_info": False}}
    login = {**account, "mechanism": "API_KEY_PLAIN", "api_key": truenas.api_key}
    truenas.world.add_container("px-web")

    answer = connection.call("auth.login_ex", [login], 5)
    rows = connection.call("virt.instance.query", [[["name", "^", "px-"]]], 5)

    assert answer["response_type"] == "SUCCESS"
    assert [row["name"] for row in rows] == ["px-web"]


def test_an_error_of_the_nas_is_unexpected(connection):
    with pytest.raises(UnexpectedData):
        connection.call("virt.instance.query", [], 5)


def test_a_long_message_arrives_whole(connection):
    # TrueNAS closes the connection for it, which shows that the length was right.
    with pytest.raises((UnexpectedData, OSError)):
        connection.call("auth.login_ex", ["x" * 70_000], 5)


def test_a_certificate_that_is_not_trusted_is_refused(truenas, self_signed):
    with pytest.raises(OSError, match="certificate"):
        LightConnection(truenas.host, truenas.port, str(self_signed.ca_file), 5)


def test_fragments_pings_and_events_are_no_obstacle(speaking):
    whole = reply(result="x" * 300)
    connection, heard, server = speaking(
        frame(b"?", opcode=9),
        frame(reply(number=None, method="collection_update")),
        frame(whole[:100], final=False),
        frame(b"", opcode=10),
        frame(whole[100:], opcode=0),
    )

    assert connection.call("core.ping", [], 5) == "x" * 300

    server.join(10)
    assert heard[1][0] == 0x8A


@pytest.mark.parametrize(
    "sent",
    [
        frame(b"\x03\xe8", opcode=8),
        frame(b"nonsense"),
        frame(b"data", opcode=2),
        b"\x81\x85xxxxhello",
        b"\x81\x7f" + struct.pack("!Q", 2**40),
        frame(reply(error={"code": -32601})),
        frame(b"5"),
        frame(b"[{}]"),
        frame(b"[" * 60_000),
        frame(b'{"id": ' + b"9" * 5000 + b"}"),
    ],
    ids=[
        *("close", "no JSON", "binary", "masked", "too long", "an error"),
        *("a number", "a list", "nested too deeply", "a number that is too long"),
    ],
)
def test_anything_else_is_unexpected(speaking, sent):
    connection, _heard, _server = speaking(sent)

    with pytest.raises(ValueError):  # noqa: PT011 (any of its kinds leads to another route)
        connection.call("core.ping", [], 5)


def test_no_reply_is_waited_for_longer_than_allowed(speaking):
    connection, _heard, _server = speaking(frame(b"", opcode=10))

    with pytest.raises(TimeoutError):
        connection.call("core.ping", [], 0.05)


@pytest.mark.parametrize("says", [b"HTTP/1.1 404 Not Found\r\n\r\n", b"HTTP/1.1 101 X\r\n\r\n", b"x" * 20_000, b""])
def test_a_server_without_a_websocket_is_unexpected(peer, trusted, says):
    listening = peer(says, context=trusted.context())

    with pytest.raises(ValueError):  # noqa: PT011 (any of its kinds leads to another route)
        LightConnection("127.0.0.1", listening.port, str(trusted.ca_file), 5)
