# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What answers on a host of the lab's internet? `python -m tests.lab.far_host NAME [FOLDER]`.

Port 80 serves the directory, or the name of the host. TCP and UDP port 7000 reply to any data with the name.
"""

from __future__ import annotations

import functools
import http.server
import socket
import socketserver
import sys
import threading

RAW_PORT = 7000


class Name(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Web

    def do_GET(self) -> None:
        message = f"{self.server.name}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(message)))
        self.end_headers()
        self.wfile.write(message)

    def log_message(self, *_: object) -> None:
        """Discard the log."""


class Folder(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Discard the log."""


class Web(http.server.ThreadingHTTPServer):
    """Over IPv4 as well: a socket of IPv6 takes both."""

    address_family = socket.AF_INET6
    name = ""


class RawTcp(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True


class RawUdp(socketserver.ThreadingUDPServer):
    address_family = socket.AF_INET6


def main() -> None:
    name, *folder = sys.argv[1:]
    message = f"{name}\n".encode()

    class OverTcp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            if self.request.recv(1024):
                self.request.sendall(message)

    class OverUdp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request[1].sendto(message, self.client_address)

    web = Web(("::", 80), functools.partial(Folder, directory=folder[0]) if folder else Name)
    web.name = name
    servers = [web, RawTcp(("::", RAW_PORT), OverTcp), RawUdp(("::", RAW_PORT), OverUdp)]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    web.serve_forever()


if __name__ == "__main__":
    main()
