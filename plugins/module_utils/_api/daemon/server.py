# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session daemon: one login to a NAS for all processes of a user, until no call has come for its idle time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import secrets
import signal
import socket
import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client_handle import Client
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.command_handover import CommandHandover
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.identity import VERSION, is_proof
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.login_limiter import LoginRateLimiter
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.request_runner import RequestRunner
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import (
    NoRuntimeDir,
    RuntimeDir,
    peer_uid,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.shell_proxy import ShellProxy
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.startup_config import DaemonConfig
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session
from ansible_collections.pixels.truenas.plugins.module_utils._api.transport import WEBSOCKET_IMPORT_ERROR

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shell_pool import ShellLease

BACKLOG = 512
HELLO_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 3.0
IDLE_CHECK_INTERVAL_S = 1.0
ACCEPT_RETRY_S = 0.1

T = t.TypeVar("T")


class SessionDaemon:
    """The session, the socket that it is offered on, and the clients."""

    def __init__(self, config: DaemonConfig, listener: socket.socket) -> None:
        self._config = config
        self._listener = listener
        self._runtime_dir = RuntimeDir(config.directory)
        self._session = Session(
            config.endpoint,
            config.credential,
            timeouts=config.timeouts,
            notice=self.send_notice,
            admit=LoginRateLimiter(self._runtime_dir, config.endpoint).admit,
        )
        self._runner = RequestRunner(self._session)
        self._commands = CommandHandover()
        self._loop = asyncio.get_running_loop()
        self._clients: set[Client] = set()
        self._connections: set[asyncio.Task[None]] = set()
        self._started = time.time()
        self._calls = 0
        self._idle_timeout = config.idle
        self._idle_since = self._loop.time()
        self._stop_requested = asyncio.Event()
        self._was_refused = asyncio.Event()
        self._is_ending = False
        self._stop_requesters: list[Client] = []
        self._accepting: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Serve until no call has come for the idle time, or until `stop`."""
        self._accepting = asyncio.create_task(self._accept())
        idle = asyncio.create_task(self._wait_until_idle())
        stopped = asyncio.create_task(self._stop_requested.wait())
        keepalives = asyncio.create_task(self._send_keepalives())
        await asyncio.wait({idle, stopped}, return_when=asyncio.FIRST_COMPLETED)
        keepalives.cancel()
        for connection in self._connections:
            connection.cancel()
        self._commands.close()
        await self._stop_listening()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._loop.run_in_executor(None, self._session.close)

    def stop(self) -> None:
        """End the daemon. Calls in flight are cut off."""
        self._is_ending = True
        self._stop_requested.set()

    def send_notice(self, notice: str) -> None:
        """Send a notice to all clients with calls in flight. The thread that logs in calls this."""
        self._loop.call_soon_threadsafe(self._send_notice, notice)

    def _send_notice(self, notice: str) -> None:
        self._runner.login_notice = notice
        for client in self._clients:
            if client.calls:
                client.write({"notice": notice})

    async def _accept(self) -> None:
        while True:
            try:
                connection, _address = await self._loop.sock_accept(self._listener)
            except OSError:
                # Most likely too many open files, until a client disconnects.
                await asyncio.sleep(ACCEPT_RETRY_S)
                continue
            task = asyncio.create_task(self._serve_client(connection))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    async def _wait_until_idle(self) -> None:
        while True:
            is_busy = any(client.calls for client in self._clients)
            left = self._idle_since + self._idle_timeout - self._loop.time()
            if not is_busy and (left <= 0 or self._runner.refusal is not None):
                # Set without giving up control in between, so that no request that arrives now is begun.
                self._is_ending = True
                return
            # A stale shell that fails to close must not end the daemon with calls in flight.
            with contextlib.suppress(Exception):
                await self._loop.run_in_executor(None, self._session.sweep_shells)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_CHECK_INTERVAL_S if is_busy else min(left, IDLE_CHECK_INTERVAL_S)):
                    await self._was_refused.wait()
            self._was_refused.clear()

    async def _send_keepalives(self) -> None:
        """Show all clients that wait for a result that the daemon is alive. A shell sends its own."""
        while True:
            await asyncio.sleep(protocol.KEEPALIVE_INTERVAL_S)
            for client in self._clients:
                if client.calls and client.shell is None:
                    client.write({"alive": True})

    async def _stop_listening(self) -> None:
        """Remove the socket, so that later clients start another daemon."""
        accepting, self._accepting = self._accepting, None
        if accepting is None:
            return
        accepting.cancel()
        await self._loop.run_in_executor(None, self._remove_socket)
        self._listener.close()

    def _remove_socket(self) -> None:
        path = self._runtime_dir.socket_path(self._config.socket_name)
        with contextlib.suppress(OSError, NoRuntimeDir), self._runtime_dir.locked():
            if os.lstat(path).st_ino == self._config.inode:
                os.unlink(path)

    async def _serve_client(self, connection: socket.socket) -> None:
        if peer_uid(connection) != os.geteuid():
            connection.close()
            return
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=protocol.MAX_REQUEST_BYTES)
        client = Client(writer)
        requests: set[asyncio.Task[None]] = set()
        try:
            with contextlib.suppress(OSError, protocol.ProtocolError):
                if await self._authenticate(reader, client):
                    await self._read_requests(reader, client, requests)
        finally:
            # The client is gone: its calls continue on the NAS, but keep this daemon no longer.
            client.is_gone = True
            for request in requests:
                request.cancel()
            try:
                if client.shell is not None:
                    await self._release_shell(client, client.shell.drop())
            finally:
                self._clients.discard(client)
                if client not in self._stop_requesters:
                    client.close()

    async def _read_requests(
        self, reader: asyncio.StreamReader, client: Client, requests: set[asyncio.Task[None]]
    ) -> None:
        self._clients.add(client)
        while True:
            request = await read_frame(reader)
            if client.shell is not None:
                await self._handle_shell_frame(client, client.shell, request)
                continue
            if request.get("do") == "command":
                if self._pass_on(client, request):
                    return
                client.write({"result": False})
                continue
            task = asyncio.create_task(self._handle_request(client, request))
            requests.add(task)
            task.add_done_callback(requests.discard)

    async def _authenticate(self, reader: asyncio.StreamReader, client: Client) -> bool:
        """Greet a client. Return whether it proved that it knows the credential and goes on to send requests."""
        challenge = secrets.token_hex(16)
        greeting = {"protocol": protocol.PROTOCOL, "version": VERSION, "pid": os.getpid()}
        client.write({"daemon": greeting, "challenge": challenge})
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            hello = await read_frame(reader)
        match hello:
            case {"ask": "status"}:
                client.write({"status": self._status()})
            case {"ask": "stop"}:
                client.write({"stopping": os.getpid()})
                # The client notices the end of the daemon by the end of this connection.
                self._stop_requesters.append(client)
                self.stop()
            case {"proof": proof, "connect": connect, "login_wait": login_wait, "idle": idle}:
                if not is_proof(proof, self._config.credential, challenge):
                    client.write({"refused": "this is not the credential of this session"})
                    return False
                client.connect_timeout, client.login_wait = float(connect), float(login_wait)
                self._idle_timeout = float(idle)
                self._idle_since = self._loop.time()
                client.write({"welcome": True})
                return True
        return False

    def _status(self) -> protocol.Frame:
        return {
            "pid": os.getpid(),
            "nas": self._config.endpoint.nas,
            "username": self._config.credential.username,
            "age": time.time() - self._started,
            "idle": self._idle_timeout,
            "clients": len(self._clients),
            "calls": self._calls,
            "calls_under_way": sum(client.calls for client in self._clients),
            "version": VERSION,
        }

    def _pass_on(self, client: Client, request: protocol.Frame) -> bool:
        """Pass a client on to the command server. Return whether that was done."""
        is_free = not self._is_ending and client.is_flushed and not client.calls
        return is_free and self._commands.pass_on(client, request.get("program"))

    async def _handle_request(self, client: Client, request: protocol.Frame) -> None:
        # Reads are repeated anyway, and a "taken" would wake the client for nothing.
        changes = request["do"] != "read"
        if not self._is_ending and changes:
            client.write({"taken": True})
        # In this order: a client that gives up reads what was sent until then (`DaemonConnection._cancel_request`).
        if self._is_ending or not client.is_flushed or (changes and client.has_disconnected):
            # Not begun: if this process ended now, the client could not know that it was.
            client.close()
            return
        client.calls += 1
        self._calls += 1
        try:
            run = self._lend_shell if request["do"] == "shell" else self._runner.run
            reply = await run(client, request)
            if self._runner.refusal is not None:
                # Before the client knows: its next login needs another daemon.
                await self._stop_listening()
                self._was_refused.set()
            client.write_line(reply)
            if client.shell is not None:
                client.shell.start()
        except BaseException:
            # A client must not wait for a result that never comes.
            client.close()
            raise
        finally:
            client.calls -= 1
            self._idle_since = self._loop.time()

    async def _lend_shell(self, client: Client, request: protocol.Frame) -> bytes:
        """Return the encoded frame with the note and the ID of a shell that the client now has, or with an error."""

        def attach(opened: asyncio.Future[ShellLease]) -> None:
            if opened.cancelled() or opened.exception():
                return
            if client.is_gone:
                self._runner.discard_shell(opened.result())
            else:
                client.shell = ShellProxy(opened.result(), client.send)
                client.calls += 1

        try:
            await self._runner.log_in(client, request["timeout"])
            # Clients of an earlier version send the options only.
            options, *more = request["params"]
            opening = self._runner.open_shell(options, request["timeout"], unused=more == [True])
            opening.add_done_callback(attach)
            shell = await asyncio.shield(opening)
        except PixelsError as error:
            return self._runner.encode_error(error)
        return protocol.encode({"result": [shell.note, shell.id]})

    async def _handle_shell_frame(self, client: Client, shell: ShellProxy, frame: protocol.Frame) -> None:
        match frame:
            case {"input": bytes() as data}:
                await shell.send(data)
            case {"give_back": str() as note}:
                client.write({"result": await self._release_shell(client, shell.give_back(note))})
            case _:
                raise protocol.ProtocolError

    async def _release_shell(self, client: Client, release: t.Coroutine[t.Any, t.Any, T]) -> T:
        client.shell = None
        try:
            return await release
        finally:
            client.calls -= 1
            self._idle_since = self._loop.time()


async def read_frame(reader: asyncio.StreamReader) -> protocol.Frame:
    """Return the next frame. Raises `ProtocolError` at the end of the connection and for a line that is too long."""
    try:
        line = await reader.readline()
    except ValueError:
        line = b""
    return protocol.decode(line)


async def serve(config: DaemonConfig, listener: socket.socket) -> None:
    """Run a daemon on the event loop of this thread; SIGTERM stops it."""
    daemon = SessionDaemon(config, listener)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, daemon.stop)
    await daemon.serve()


def main(config: DaemonConfig) -> None:
    """Run a daemon in this process and exit; `config.listener` is the number of an open socket."""
    os.umask(0o077)
    # A core file would hold the secret.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        # After an upgrade of the collection this process runs other code than its client. Without the library it could
        # only fail, and clients whose Python has the library would never get to the NAS.
        if config.version == VERSION and WEBSOCKET_IMPORT_ERROR is None:
            listener = socket.socket(fileno=config.listener)
            listener.settimeout(0)
            # Repeated here because SO_PEERCRED names the process that called listen() last.
            listener.listen(BACKLOG)
            asyncio.new_event_loop().run_until_complete(serve(config, listener))
    finally:
        # Do not wait for threads that still wait for the NAS.
        os._exit(0)
