# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One websocket: what arrives on it, what is too big, what goes out in which order (middleware ws_handler/base.py)."""

from __future__ import annotations

import asyncio
import typing as t

from aiohttp import WSCloseCode, WSMsgType, web

from tests.simulator import dispatch, ejson, framing, replies
from tests.simulator.auth import Peer
from tests.simulator.concurrency import CallSlots
from tests.simulator.event_sources import Streams
from tests.simulator.events import Subscriptions
from tests.simulator.registry import REGISTRY

if t.TYPE_CHECKING:
    from tests.simulator.simulator import Simulator

ANONYMOUS_CHARACTERS = 8192
LARGEST_CHARACTERS = 2_097_152
USUAL_CHARACTERS = 65_536
FRAME_BYTES = 4 * 1024 * 1024
TOO_BIG = b"Max message length is 64 kB"
HELD_SECONDS = 1.0
"""Seconds after which a reply that is held back for another one is sent anyway."""


class Connection:
    """Replies go out as they are ready, events before the reply of the call that caused them."""

    def __init__(self, simulator: Simulator, request: web.Request, peer: Peer) -> None:
        self.simulator = simulator
        self.peer = peer
        self.slots = CallSlots()
        self.subscriptions = Subscriptions()
        self.streams = Streams(self)
        self.settings = {"legacy_jobs": True, "private_methods": False, "py_exceptions": False}
        self._request = request
        # pings are answered here, since an answer to one counts as traffic for the idle cut
        self._socket = web.WebSocketResponse(autoping=False, max_msg_size=FRAME_BYTES)
        self._outgoing: asyncio.Queue[tuple[bytes, WSMsgType]] = asyncio.Queue()
        self._held: list[dict[str, t.Any]] = []
        self._writer: asyncio.Task[None] | None = None
        self._calls: set[asyncio.Task[None]] = set()
        """Those that have not been answered yet."""
        self._spoke_at = 0.0

    async def serve(self) -> web.WebSocketResponse:
        """Runs until either side ends it; up to 25.10 calls still running then go on without a reader."""
        await self._socket.prepare(self._request)
        self._spoke()
        if self.simulator.options.refuse_addresses:
            await self._close(WSCloseCode.POLICY_VIOLATION, b"You are not allowed to access this resource")
            return self._socket
        self.simulator.connected(self)
        self._writer = asyncio.create_task(self._write())
        idle = asyncio.create_task(self._cut_when_idle())
        try:
            await self._read()
        finally:
            self._writer.cancel()
            idle.cancel()
            self.streams.stop_all()
            if self.simulator.release.calls_end_with_their_connection:
                for call in self._calls:
                    call.cancel()
            self.simulator.disconnected(self)
        return self._socket

    def send(self, message: dict[str, t.Any]) -> None:
        """In line behind everything sent before."""
        try:
            text = ejson.dumps(message)
        except TypeError as error:
            text = ejson.dumps(replies.unserialisable(message.get("id"), error))
        self._outgoing.put_nowait((text.encode(), WSMsgType.TEXT))

    def send_as_it_is(self, content: bytes, *, binary: bool) -> None:
        """A message that need not be one of the middleware's, nor text."""
        self._outgoing.put_nowait((content, WSMsgType.BINARY if binary else WSMsgType.TEXT))

    def reply(self, message: dict[str, t.Any]) -> None:
        """Send it, and after it what was held back for it."""
        self.send(message)
        self._release_held()

    def hold(self, message: dict[str, t.Any]) -> None:
        """Send it only after the next reply."""
        self._held.append(message)
        asyncio.get_running_loop().call_later(HELD_SECONDS, self._release_held)

    async def flush(self) -> None:
        """Wait until everything queued so far is sent, or the connection is closed."""
        if self._writer is None or self._writer.done():
            return
        empty = asyncio.create_task(self._outgoing.join())
        await asyncio.wait({empty, self._writer}, return_when=asyncio.FIRST_COMPLETED)
        empty.cancel()

    def cut(self) -> None:
        """End it as a broken network does: no close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message.type is WSMsgType.TEXT:
                if not await self._take(message.data):
                    return
            elif message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
                self._spoke()
            elif message.type is WSMsgType.BINARY:
                await self._close(
                    WSCloseCode.UNSUPPORTED_DATA, f"Invalid websocket message type: {message.type!r}".encode()
                )
                return
            elif message.type is not WSMsgType.PONG:
                return

    async def _take(self, text: str) -> bool:
        """Start a call; false when the message ends the connection."""
        self.simulator.authenticator.notice_message(self.peer)
        if self.peer.login is None and len(text) > ANONYMOUS_CHARACTERS:
            await self._close(WSCloseCode.INVALID_TEXT, b"Anonymous connection max message length is 8 kB")
            return False
        if len(text) > LARGEST_CHARACTERS:
            await self._close(WSCloseCode.MESSAGE_TOO_BIG, TOO_BIG)
            return False
        try:
            message = framing.parse(text)
            if len(text) > self._allowed_characters(message):
                await self._close(WSCloseCode.MESSAGE_TOO_BIG, TOO_BIG)
                return False
            request = framing.request(message)
        except framing.Malformed as malformed:
            if malformed.answer is not None:
                self.send(malformed.answer)
            return True
        call = self.simulator.spawn(dispatch.handle(self, request))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return True

    def _allowed_characters(self, message: dict[str, t.Any]) -> int:
        name = message.get("method")
        method = REGISTRY.find(self.simulator.release.name, name) if isinstance(name, str) else None
        return USUAL_CHARACTERS if method is None else method.max_chars

    async def _close(self, code: WSCloseCode, reason: bytes) -> None:
        await self._socket.close(code=code, message=reason)

    async def _write(self) -> None:
        while True:
            content, kind = await self._outgoing.get()
            try:
                await self._socket.send_frame(content, kind)
                self._spoke()
            except ConnectionError:
                # the reader is gone; empty the queue for tasks that wait for it
                pass
            finally:
                self._outgoing.task_done()

    async def _cut_when_idle(self) -> None:
        """nginx cuts a tunnel through which the middleware says nothing; pongs count."""
        ordered = self.simulator.options.idle_seconds
        limit = self.simulator.release.idle_seconds if ordered is None else ordered
        if not limit:
            return
        loop = asyncio.get_running_loop()
        while (left := self._spoke_at + limit - loop.time()) > 0:
            await asyncio.sleep(left)
        self.cut()

    def _spoke(self) -> None:
        self._spoke_at = asyncio.get_running_loop().time()

    def _release_held(self) -> None:
        held, self._held = self._held, []
        for message in held:
            self.send(message)
