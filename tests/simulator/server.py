# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses and paths of the simulated NAS (nginx and middleware main.py)."""

from __future__ import annotations

import ssl
import typing as t

from aiohttp import web

from tests.simulator import control, download, upload
from tests.simulator.auth import Peer
from tests.simulator.connection import Connection
from tests.simulator.shell.session import Shell

if t.TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from tests.simulator.simulator import Simulator

HIDDEN_API = "v24.10"
"""Served by both releases and listed by none."""
LOOPBACK = "127.0.0.1"
SHUTDOWN_SECONDS = 1.0
UPLOAD_BYTES = 2**40
"""nginx sets no limit."""


class Server:
    """The listeners of one simulator. Ports are known once it is open."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._runners: list[web.AppRunner] = []
        host, _colon, port = simulator.options.listen.rpartition(":")
        self.host = host.strip("[]") or LOOPBACK
        self._wanted_port = int(port)
        self.port = 0
        self.control_port = 0
        self.plain_port: int | None = None
        self.redirect_port: int | None = None

    async def open(self) -> None:
        """Raises `OSError` where the address is taken."""
        simulator = self._simulator
        nas = _nas(simulator)
        self.port = await self._listen(nas, self.host, self._wanted_port, context=simulator.certificate.context())
        self.control_port = await self._listen(control.application(simulator), LOOPBACK, 0)
        if simulator.options.plain:
            self.plain_port = await self._listen(_nas(simulator), self.host, 0)
        if simulator.options.redirect:
            self.redirect_port = await self._listen(_redirecting(self.host, self.port), self.host, 0)

    async def close(self) -> None:
        for runner in reversed(self._runners):
            await runner.cleanup()

    async def _listen(
        self, app: web.Application, host: str, port: int, *, context: ssl.SSLContext | None = None
    ) -> int:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, host, port, ssl_context=context).start()
        [address] = runner.addresses
        return int(address[1])


def _nas(simulator: Simulator) -> web.Application:
    @web.middleware
    async def unless_down(request: web.Request, handler: Handler) -> web.StreamResponse:
        if simulator.world.network.cut_off and request.transport is not None:
            request.transport.abort()
        if simulator.down:
            return web.Response(
                status=502, text="<html><head><title>502 Bad Gateway</title></head></html>", content_type="text/html"
            )
        return await handler(request)

    async def conversation(request: web.Request) -> web.StreamResponse:
        return await Connection(simulator, request, _peer(simulator, request)).serve()

    async def shell(request: web.Request) -> web.StreamResponse:
        return await Shell(simulator, request, _peer(simulator, request)).serve()

    async def versions(request: web.Request) -> web.Response:
        return web.json_response(list(simulator.release.api_versions))

    async def boot_id(request: web.Request) -> web.Response:
        return web.json_response(simulator.boot_id)

    async def fetch(request: web.Request) -> web.Response:
        return await download.send(simulator, request)

    async def receive(request: web.Request) -> web.Response:
        return await upload.receive(simulator, request)

    app = web.Application(
        middlewares=[web.normalize_path_middleware(append_slash=False), unless_down], client_max_size=UPLOAD_BYTES
    )
    for version in ("current", HIDDEN_API, *simulator.release.api_versions):
        app.router.add_get(f"/api/{version}", conversation)
    app.router.add_get("/websocket/shell", shell)
    app.router.add_get("/api/versions", versions)
    if simulator.release.boot_id_path:
        app.router.add_get("/api/boot_id", boot_id)
    app.router.add_get("/_download/{job}", fetch)
    app.router.add_post("/_upload", receive)
    app.router.add_post("/_upload/", receive)
    return app


def _redirecting(host: str, port: int) -> web.Application:
    """Port 80 of a NAS with `ui_httpsredirect`."""

    async def elsewhere(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": f"https://{host}:{port}{request.path_qs}"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", elsewhere)
    return app


def _peer(simulator: Simulator, request: web.Request) -> Peer:
    remote = request.remote or ""
    trusted = remote.startswith("127.") or remote == "::1"
    return Peer(
        remote, tls=request.secure, secure=request.secure or (trusted and not simulator.options.loopback_is_remote)
    )
