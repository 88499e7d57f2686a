# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port of this machine that leads to a server: of an IPv6 address, which guests do not have here, or of another."""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
import threading
import typing as t

ADDRESS = "::1"


class Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with socket.create_connection(self.server.target) as there, selectors.DefaultSelector() as both:
            both.register(self.request, selectors.EVENT_READ, there)
            both.register(there, selectors.EVENT_READ, self.request)
            while True:
                for key, _events in both.select():
                    content = t.cast("socket.socket", key.fileobj).recv(65536)
                    if not content:
                        return
                    key.data.sendall(content)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, target: tuple[str, int], at: tuple[str, int]) -> None:
        self.address_family = socket.AF_INET6 if ":" in at[0] else socket.AF_INET
        super().__init__(at, Handler)
        self.target = target

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """A connection that breaks off is for its ends to see."""


@contextlib.contextmanager
def forwarded(target: tuple[str, int], *, at: tuple[str, int] = (ADDRESS, 0)) -> t.Iterator[int]:
    """The port at an address that leads to a server, for as long as the block runs."""
    with Server(target, at) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
