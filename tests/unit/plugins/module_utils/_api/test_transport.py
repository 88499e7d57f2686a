# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving text over a websocket."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import struct
import threading

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import transport as module
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    ConnectionLost,
    MissingLibrary,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.transport import WebSocketTransport


@pytest.fixture
def open_transport(truenas):
    opened = WebSocketTransport(Endpoint(truenas.host, truenas.port, ca_path=truenas.ca_file), timeout=5)
    yield opened
    opened.release()


def why_not(peer, *, plain=True):
    endpoint = Endpoint("127.0.0.1", peer.port, plain=plain)
    with pytest.raises(ConnectionFailed) as caught:
        WebSocketTransport(endpoint, timeout=2)
    assert endpoint.nas in str(caught.value)
    return caught.value


def http(status, *headers):
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Length: 0", *headers, "", ""]).encode()


def until_heard(transport):
    while (text := transport.receive(5)) is None:
        pass
    return text


def how_it_ends(transport):
    with pytest.raises(ConnectionLost) as caught:
        until_heard(transport)
    return caught.value


@pytest.fixture
def websocket_peer():
    """A transport to something that shakes hands, says these bytes one after the other, and stays."""
    with contextlib.ExitStack() as stack:

        def serve(listener, pieces, finished):
            with contextlib.suppress(OSError), listener.accept()[0] as connection:
                key = connection.recv(4096).partition(b"Sec-WebSocket-Key: ")[2].split(b"\r\n")[0]
                accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                connection.sendall(switching + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
                for piece in pieces:
                    finished.wait(0.01)
                    connection.sendall(piece)
                finished.wait(10)

        def open_peer(*pieces):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            finished = threading.Event()
            server = threading.Thread(target=serve, args=(listener, pieces, finished), daemon=True)
            server.start()
            stack.callback(server.join, 10)
            stack.callback(finished.set)
            transport = WebSocketTransport(Endpoint(*listener.getsockname(), plain=True), timeout=5)
            stack.callback(transport.release)
            return transport

        yield open_peer


def test_what_is_sent_is_answered(open_transport):
    open_transport.send('{"jsonrpc":"2.0","id":"a","method":"auth.nothing","params":[]}')

    assert '"Method does not exist"' in open_transport.receive(5)


def test_what_is_sent_immediately_is_answered(open_transport):
    assert open_transport.send_unblocked('{"jsonrpc":"2.0","id":"a","method":"auth.nothing","params":[]}')

    assert '"Method does not exist"' in open_transport.receive(5)


def test_nothing_is_sent_immediately_where_it_could_take_time(open_transport):
    assert not open_transport.send_unblocked(" " * (module.MAX_UNBLOCKED_LENGTH + 1))
    with open_transport._lock:
        assert not open_transport.send_unblocked("{}")


def test_nothing_is_sent_immediately_to_a_nas_that_takes_nothing(websocket_peer):
    transport = websocket_peer()
    transport._socket.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while True:
            transport._socket.send(b" " * 65536)

    assert not transport.send_unblocked("{}")


def test_nothing_is_received_where_nothing_is_sent(open_transport):
    assert open_transport.receive(0.01) is None


def test_a_ping_brings_a_sign_of_life(open_transport):
    before = open_transport.last_received

    open_transport.ping()

    assert open_transport.receive(5) is None
    assert open_transport.last_received > before


def test_an_older_release_has_no_such_path(peer):
    error = why_not(peer(http("404 Not Found")))

    assert "not a TrueNAS system, or older than TrueNAS 25.04" in str(error)
    assert not error.passing


@pytest.mark.parametrize("status", ["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Time-out"])
def test_a_restarting_middleware_may_come_back(peer, status):
    error = why_not(peer(http(status)))

    assert "starting or restarting" in str(error)
    assert error.passing


def test_a_redirect_to_https_is_not_followed(peer):
    redirecting = peer(http("307 Temporary Redirect", "Location: https://127.0.0.1:1/api/current"))

    error = why_not(redirecting)

    assert "redirects" in str(error)
    assert "wss" in str(error)
    assert len(redirecting.heard) == 1


def test_plain_talk_to_the_tls_port_is_explained(peer):
    assert "requires TLS" in str(why_not(peer(http("400 Bad Request"))))


def test_another_status_is_named(peer):
    assert "HTTP 403" in str(why_not(peer(http("403 Forbidden"))))


@pytest.mark.parametrize(
    "says",
    [b"SSH-2.0-OpenSSH_9.6\r\n", b"\x16\x03\x01\xff\xff\r\n\r\n", http("101 Switching Protocols"), b""],
    ids=["ssh", "binary", "no websocket", "nothing"],
)
def test_something_else_on_the_port_is_reported_as_such(peer, says):
    assert "not that of a TrueNAS web interface" in str(why_not(peer(says)))


def test_a_port_that_takes_the_call_and_stays_silent_is_given_up(peer):
    silent = Endpoint("127.0.0.1", peer(b"HTTP/1.1 ", greeting=True).port, plain=True)

    with pytest.raises(ConnectionFailed, match="did not reply within"):
        WebSocketTransport(silent, timeout=0.2)


def test_proxies_of_the_environment_play_no_part(truenas, monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    WebSocketTransport(Endpoint(truenas.host, truenas.port, ca_path=truenas.ca_file), timeout=5).release()


def test_a_message_in_pieces_is_put_together(websocket_peer, monkeypatch):
    monkeypatch.setattr(module, "READ_TIMEOUT_S", 0.001)
    text = "piece by piece"

    transport = websocket_peer(*(bytes([byte]) for byte in bytes([0x81, len(text)]) + text.encode()))

    assert until_heard(transport) == text


def test_a_character_may_be_in_two_frames(websocket_peer):
    transport = websocket_peer(b"\x01\x02x\xc3", b"\x80\x02\xa9y")

    assert until_heard(transport) == "xéy"


@pytest.mark.parametrize("pieces", [[b"\x81\x02x\xff"], [b"\x01\x02x\xc3", b"\x80\x01y"], [b"\x81\x03\xed\xa0\x80"]])
def test_what_is_no_text_ends_the_connection(websocket_peer, pieces):
    assert str(how_it_ends(websocket_peer(*pieces))).endswith("it sent a text message that is not UTF-8")


def test_the_reader_leaves_the_socket_to_others_while_half_a_message_is_there(websocket_peer, monkeypatch):
    monkeypatch.setattr(module, "READ_TIMEOUT_S", 0.001)
    transport = websocket_peer(bytes([0x81, 10]))

    assert transport.receive(5) is None

    transport.send("still possible")


def test_a_ping_of_the_nas_is_answered_and_no_message(websocket_peer):
    transport = websocket_peer(bytes([0x89, 0]), bytes([0x81, 1]) + b"x")

    assert until_heard(transport) == "x"


@pytest.mark.parametrize(
    ("code", "message", "passing"),
    [
        (1008, "does not allow the address of this machine", False),
        (1009, "too long", True),
        (1011, "internal error", True),
        (1000, "code 1000", True),
    ],
)
def test_the_reason_of_a_closing_nas_is_reported_and_its_text_is_not(websocket_peer, code, message, passing):
    payload = struct.pack("!H", code) + b"S3CRET"
    transport = websocket_peer(bytes([0x88, len(payload)]) + payload)

    error = how_it_ends(transport)

    assert message in str(error)
    assert "S3CRET" not in str(error)
    assert error.passing is passing


def test_invalid_frames_end_the_connection(websocket_peer):
    assert "broke off" in str(how_it_ends(websocket_peer(b"\x83\x00\xff\xff")))


def test_closing_the_connection_wakes_the_receiver(open_transport):
    ending = threading.Event()

    def listen():
        with pytest.raises(ConnectionLost):
            open_transport.receive(30)
        ending.set()

    listener = threading.Thread(target=listen)
    listener.start()
    open_transport.hang_up(politely=True)
    listener.join(10)

    assert ending.is_set()


def test_nothing_is_sent_immediately_after_hanging_up(open_transport):
    open_transport.hang_up()

    assert not open_transport.send_unblocked("{}")


def test_nothing_is_sent_after_hanging_up(open_transport):
    open_transport.hang_up()
    open_transport.hang_up()

    with pytest.raises(ConnectionLost) as caught:
        open_transport.send("text")
    assert not caught.value.sent
    with pytest.raises(ConnectionLost):
        open_transport.ping()


def test_a_cut_connection_is_lost(truenas, open_transport):
    truenas.cut_connections()

    assert f"lost the connection to 127.0.0.1:{truenas.port}" in str(how_it_ends(open_transport))


def test_a_closing_nas_is_understood(truenas, open_transport):
    open_transport.send("x" * 10_000)

    assert "too long" in str(how_it_ends(open_transport))


def test_without_the_library_the_class_is_there_and_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(module, "WEBSOCKET_IMPORT_ERROR", "ImportError: websocket")

    with pytest.raises(MissingLibrary, match="websocket-client") as raised:
        WebSocketTransport(Endpoint("nas.lan"), timeout=1)
    assert (raised.value.library, raised.value.trace) == ("websocket-client", "ImportError: websocket")
