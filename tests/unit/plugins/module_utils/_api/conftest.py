# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Things that answer on a port of this machine, and certificates for them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import typing as t

import pytest

from tests.simulator import tls


class Peer:
    """A server that sends the same bytes after each request, or with `greeting` on connect, and closes."""

    def __init__(self, says: bytes, *, context: ssl.SSLContext | None = None, greeting: bool = False) -> None:
        self.heard: list[bytes] = []
        self._says = says
        self._context = context
        self._greeting = greeting
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            # A client that does not trust the certificate closes the connection during the handshake.
            with connection, contextlib.suppress(OSError):
                connection.settimeout(5)
                self._talk(self._context.wrap_socket(connection, server_side=True) if self._context else connection)

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            if self._greeting:
                connection.sendall(self._says)
            self.heard.append(connection.recv(4096))
            if self._says and not self._greeting:
                connection.sendall(self._says)
            elif not self._says:
                return
            with contextlib.suppress(TimeoutError):
                connection.recv(4096)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=5)


@pytest.fixture
def peer() -> t.Iterator[t.Callable[..., Peer]]:
    with contextlib.ExitStack() as stack:

        def open_peer(says: bytes = b"", **options: t.Any) -> Peer:
            opened = Peer(says, **options)
            stack.callback(opened.close)
            return opened

        yield open_peer


@pytest.fixture(scope="session")
def trusted(tmp_path_factory) -> tls.Certificate:
    """For this machine, signed by a CA."""
    return tls.signed_by_a_ca(tmp_path_factory.mktemp("trusted"))


@pytest.fixture(scope="session")
def self_signed(tmp_path_factory) -> tls.Certificate:
    """As a NAS makes it itself: for localhost only."""
    return tls.like_a_new_nas(tmp_path_factory.mktemp("self_signed"))
