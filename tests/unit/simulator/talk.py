# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A blocking client for the simulator's own tests: it takes nothing for granted and shows every message."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
import typing as t

import aiohttp

from tests.simulator.running import close_what_is_left

if t.TYPE_CHECKING:
    from tests.simulator.running import RunningSimulator

Message = dict[str, t.Any]
GOODBYE = 0.2
PATIENCE = 10.0
"""Seconds; only a test that fails waits so long."""


class Talk:
    """One websocket of one test."""

    def __init__(
        self,
        simulator: RunningSimulator,
        *,
        plain: bool = False,
        path: str = "/api/current",
        source: str | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._simulator = simulator
        self._patience = patience
        self._source = source
        """The address to connect from; None is any."""
        self._last_id = 0
        self.events: list[Message] = []
        self._replies: dict[t.Any, Message] = {}
        port = simulator.plain_port if plain else simulator.port
        scheme = "ws" if plain else "wss"
        try:
            self._run(self._open(f"{scheme}://{simulator.host}:{port}{path}"))
        except aiohttp.ClientError:
            self.close()
            raise

    async def _open(self, url: str) -> None:
        local = None if self._source is None else (self._source, 0)
        context = ssl.create_default_context(cafile=self._simulator.ca_file)
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, local_addr=local))
        self.socket = await self._session.ws_connect(
            url, autoclose=False, max_msg_size=0, timeout=aiohttp.ClientWSTimeout(ws_close=GOODBYE)
        )

    def close(self) -> None:
        self._run(self._close())
        self._loop.close()

    def leave(self) -> None:
        """In order, as a client that wants nothing more."""
        self._run(self.socket.close())

    async def _close(self) -> None:
        if hasattr(self, "socket"):
            await self.socket.close()
        await self._session.close()
        await close_what_is_left()

    def send(self, text: str) -> None:
        self._run(self.socket.send_str(text))

    def send_bytes(self, content: bytes) -> None:
        self._run(self.socket.send_bytes(content))

    def ping(self) -> None:
        self._run(self.socket.ping())

    def frame(self, *, patience: float | None = None) -> aiohttp.WSMessage:
        """Return the next message. Raises `TimeoutError`."""
        patience = self._patience if patience is None else patience
        return t.cast("aiohttp.WSMessage", self._run(asyncio.wait_for(self.socket.receive(), patience)))

    def receive(self) -> Message:
        """The next message as JSON."""
        frame = self.frame()
        assert frame.type is aiohttp.WSMsgType.TEXT, f"expected a text message, there came {frame}"
        return t.cast("Message", json.loads(frame.data))

    def ending(self) -> tuple[int | None, str]:
        """How the connection ends: close code and reason, or no code where it just breaks off."""
        while True:
            frame = self.frame()
            if frame.type is aiohttp.WSMsgType.CLOSE:
                return t.cast("int", frame.data), str(frame.extra)
            if frame.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.ERROR):
                return None, ""

    def start(self, method: str, *params: t.Any, id: t.Any = None) -> t.Any:
        """Send a request and wait for nothing; its id."""
        if id is None:
            self._last_id += 1
            id = self._last_id
        self.send(json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": list(params)}))
        return id

    def reply(self, id: t.Any) -> Message:
        """Return the reply to a request; events that arrive before it are kept in `events`."""
        while id not in self._replies:
            message = self.receive()
            if "method" in message:
                self.events.append(message["params"])
            else:
                self._replies[message["id"]] = message
        return self._replies.pop(id)

    def ask(self, method: str, *params: t.Any, id: t.Any = None) -> Message:
        return self.reply(self.start(method, *params, id=id))

    def call(self, method: str, *params: t.Any) -> t.Any:
        """The result; an error fails the test."""
        reply = self.ask(method, *params)
        assert "result" in reply, f"{method} was answered with {reply}"
        return reply["result"]

    def refusal(self, method: str, *params: t.Any) -> Message:
        """The error; a result fails the test."""
        reply = self.ask(method, *params)
        assert "error" in reply, f"{method} was answered with {reply}"
        return t.cast("Message", reply["error"])

    def login(self, username: str | None = None, api_key: str | None = None) -> Message:
        return t.cast(
            "Message",
            self.call(
                "auth.login_ex",
                {
                    "mechanism": "API_KEY_PLAIN",
                    "username": username or self._simulator.username,
                    "api_key": api_key or self._simulator.api_key,
                },
            ),
        )

    def download(self, path: str) -> tuple[int, bytes]:
        """Status and content of what `core.download` has named."""
        return t.cast("tuple[int, bytes]", self._run(self._download(path)))

    async def _download(self, path: str) -> tuple[int, bytes]:
        async with self._session.get(f"https://{self._simulator.host}:{self._simulator.port}{path}") as response:
            return response.status, await response.read()

    def job(self, id: int) -> Message:
        """The row of a job that has ended."""
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            [row] = self.call("core.get_jobs", [["id", "=", id]], {"extra": {"raw_result": True}})
            if row["state"] not in ("WAITING", "RUNNING"):
                return t.cast("Message", row)
            # 10 ms, unless the containers are in a virtual machine that is slow enough.
            time.sleep(self._patience / 1000)
        raise AssertionError(f"job {id} does not end")

    def event(self, wanted: t.Callable[[Message], bool]) -> Message:
        """The first event that is wanted, waited for if need be."""
        for event in self.events:
            if wanted(event):
                return event
        while True:
            message = self.receive()
            assert "method" in message, f"expected an event, there came {message}"
            self.events.append(message["params"])
            if wanted(message["params"]):
                return t.cast("Message", message["params"])

    def _run(self, work: t.Coroutine[t.Any, t.Any, t.Any]) -> t.Any:
        return self._loop.run_until_complete(work)
