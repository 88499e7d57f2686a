# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the requests of clients over the one session of the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import os
import traceback
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.async_reads import NeedsThread, read
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    LoginRefused,
    OutcomeUnknown,
    PixelsError,
    TimedOut,
    UnexpectedReply,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Progress
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.connection import Connection
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client_handle import Client
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shell_pool import ShellLease

# Each client in a job keeps one thread waiting. The session limits how many calls the NAS gets at a time.
THREADS = 256
MIN_RETRY_S = 1.0
"""The least time of a read that is repeated after most of its timeout has passed."""


class RequestRunner:
    """Logs in on demand and runs requests. Its methods belong to the thread of the event loop."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="pixels calls")
        self._loop = asyncio.get_running_loop()
        self._login: asyncio.Future[None] | None = None
        self.login_notice = ""
        """What the login that is under way waits for."""
        self.refusal: LoginRefused | None = None
        """The refused login; no further login is tried."""

    async def run(self, client: Client, request: protocol.Frame) -> bytes:
        """Return the encoded frame with the result of a request other than `shell`, or with its error."""
        kind, method = request["do"], request["method"]
        try:
            await self.log_in(client, request["timeout"])
            if kind == "read" and (connection := self._session.connection):
                with contextlib.suppress(NeedsThread):
                    return self._encode(method, await self._read(connection, request))
            return await self._loop.run_in_executor(self._threads, self._perform, client, request)
        except PixelsError as error:
            return self.encode_error(error)
        except Exception as error:
            # Nothing else would report it: the daemon has no output.
            if kind == "read":
                # The client repeats a read when this connection closes.
                raise
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} in {os.path.basename(place.filename)}:{place.lineno}"
            problem = f"internal error of the session daemon during {method} on {self._session.nas} ({where})"
            unknown = OutcomeUnknown(f"{problem}: it may or may not be done")
            return self.encode_error(unknown.with_hints(Hint.run_again()))

    def encode_error(self, error: PixelsError) -> bytes:
        """Return the encoded frame of an error. Remember a refused login."""
        if isinstance(error, LoginRefused):
            self.refusal = error
        return protocol.encode({"error": protocol.error_to_frame(error)})

    async def log_in(self, client: Client, timeout_s: float) -> None:
        """Wait for a login within `timeout_s` seconds. All clients share one attempt, and its outcome."""
        if self.refusal is not None:
            raise self.refusal
        if self._session.is_connected:
            return
        if self._login is None or self._login.done():
            self.login_notice = ""
            self._login = self._loop.run_in_executor(None, lambda: self._session.connect(timeout=timeout_s))
        if self.login_notice:
            client.write({"notice": self.login_notice})
        limit = max(timeout_s, client.connect_timeout) + client.login_wait
        try:
            async with asyncio.timeout(limit):
                await asyncio.shield(self._login)
        except TimeoutError:
            late = TimedOut(
                f"login to {self._session.nas} timed out: it took more than {limit:g} s. "
                "Increase connect_timeout or login_wait"
            )
        else:
            return
        raise late

    def open_shell(self, options: dict[str, t.Any], timeout: float, *, unused: bool) -> asyncio.Future[ShellLease]:
        """Borrow a shell in a thread."""
        return self._loop.run_in_executor(
            self._threads, lambda: self._session.borrow_shell(options, timeout=timeout, unused=unused)
        )

    def discard_shell(self, shell: ShellLease) -> None:
        """End a shell in a thread."""
        self._loop.run_in_executor(self._threads, shell.discard)

    async def _read(self, connection: Connection, request: protocol.Frame) -> t.Any:
        """Read without a thread. Raises `NeedsThread` after it reduced the timeout by the time that passed."""
        timeout = request["timeout"]
        start = self._loop.time()
        try:
            return await read(connection, self._session.nas, request["method"], request["params"], timeout_s=timeout)
        except NeedsThread:
            request["timeout"] = max(timeout - (self._loop.time() - start), MIN_RETRY_S)
            raise

    def _perform(self, client: Client, request: protocol.Frame) -> bytes:
        """Run a request in a thread and return the encoded frame with its result."""
        method, params, timeout = request["method"], request["params"], request["timeout"]
        match request["do"]:
            case "read":
                result = self._session.read(method, *params, timeout=timeout)
            case "call":
                result = self._session.call(method, *params, timeout=timeout)
            case "download":
                result = self._session.download(method, *params, timeout=timeout)
            case _:
                progress = self._progress_sender(client) if request["progress"] else None
                timeouts = {"timeout": timeout, "call_timeout": request["call_timeout"]}
                result = self._session.run_job(method, *params, **timeouts, progress=progress)
        return self._encode(method, result)

    def _encode(self, method: str, result: t.Any) -> bytes:
        """Return the encoded frame with a result. Raises `UnexpectedReply` for one that no client could decode."""
        try:
            return protocol.encode({"result": result})
        except RecursionError:
            problem = "the result is nested too deeply"
        raise UnexpectedReply.about(problem, method=method, nas=self._session.nas)

    def _progress_sender(self, client: Client) -> t.Callable[[Progress], None]:
        def send(progress: Progress) -> None:
            self._loop.call_soon_threadsafe(client.write, {"progress": [progress.percent, progress.description]})

        return send
