# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One websocket of `/websocket/shell`: a token, then a terminal's bytes both ways until either side ends it."""

from __future__ import annotations

import asyncio
import json
import random
import struct
import typing as t
import uuid

from aiohttp import WSCloseCode, WSMsgType, web

from tests.simulator.connection import FRAME_BYTES
from tests.simulator.engines.final_output import FinalOutput
from tests.simulator.shell import troubles
from tests.simulator.shell.container import ContainerShells
from tests.simulator.shell.dialect import Dialect, Failure, Opened, SetupFailed, ShellOptions
from tests.simulator.shell.virt import VirtShells

if t.TYPE_CHECKING:
    from tests.simulator.accounts import Account
    from tests.simulator.auth import Peer
    from tests.simulator.engines.base import Terminal
    from tests.simulator.simulator import Simulator

PATH = "/websocket/shell"
DIALECTS: dict[str, Dialect] = {"virt_instance_id": VirtShells(), "container_id": ContainerShells()}
"""By `Release.shell_target`."""
MOST_READ = 1024
DRAIN_SECONDS = 0.05
DRAINS = 10
"""How often, and for how long each time, what the terminal still says is waited for after the command has ended. All at
once would be lost on a machine that pauses for as long, with the last output still in the terminal."""


class Size(t.NamedTuple):
    columns: int
    rows: int


class Shell:
    """The reason of its end is not sent: the connection always closes with 1000."""

    def __init__(self, simulator: Simulator, request: web.Request, peer: Peer) -> None:
        self.id = str(uuid.uuid4())
        self._simulator = simulator
        self._dialect = DIALECTS[simulator.release.shell_target]
        self._peer = peer
        self._request = request
        # pings and closing are answered here, since a frozen shell answers neither
        self._socket = web.WebSocketResponse(autoping=False, autoclose=False, max_msg_size=FRAME_BYTES)
        self._input: asyncio.Queue[bytes | str | Size] = asyncio.Queue()
        self._over = asyncio.Event()
        self._frozen = False
        self._silent = True
        """The terminal has said nothing yet."""
        self._early_echo = False
        self._frame_bytes = MOST_READ
        self._troubles: troubles.Troubles

    async def serve(self) -> web.WebSocketResponse:
        await self._socket.prepare(self._request)
        if self._simulator.options.refuse_addresses:
            reason = b"You are not allowed to access this resource"
            await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=reason)
            return self._socket
        self._simulator.shells[self.id] = self
        try:
            accepted = await self._authenticate()
            if accepted is not None:
                await self._run(*accepted)
        except SetupFailed:
            pass  # the middleware's log knows why
        finally:
            del self._simulator.shells[self.id]
        if self._frozen:
            self.cut()
        else:
            await self._socket.close()
        return self._socket

    def resize(self, columns: int, rows: int) -> None:
        self._input.put_nowait(Size(columns, rows))

    def cut(self) -> None:
        """End it as a broken network does: no close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _messages(self) -> t.AsyncIterator[str | bytes]:
        while True:
            message = await self._socket.receive()
            if message.type is WSMsgType.PING:
                if not self._frozen:
                    await self._socket.pong(message.data)
            elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                yield message.data
            elif message.type is not WSMsgType.PONG:
                return

    async def _authenticate(self) -> tuple[Account, ShellOptions] | None:
        """Until a token is good; None when the client has gone."""
        async for content in self._messages():
            hello = _parsed(content)
            if not hello.get("token"):
                continue
            options = hello.get("options", {})
            await self._delay()
            admitted = self._admit(hello["token"], options)
            if isinstance(admitted, Failure):
                await self._socket.send_json({"msg": "failed", "error": admitted._asdict()})
            elif isinstance(options, dict):
                return admitted, options
            else:
                raise SetupFailed("the options are not an object")
        return None

    async def _delay(self) -> None:
        delay = self._simulator.faults.take("delay", PATH)
        if delay is not None:
            await asyncio.sleep(delay.details["seconds"])

    def _admit(self, token: t.Any, options: t.Any) -> Account | Failure:
        ordered = self._simulator.faults.take("refuse_shell", self._target(options))
        if ordered is not None:
            return Failure(ordered.details["error"], ordered.details["reason"])
        return self._dialect.admit(self._simulator.authenticator, token, options, self._peer.remote)

    async def _run(self, account: Account, options: ShellOptions) -> None:
        container, faults = self._target(options), self._simulator.faults
        opened = await self._open(container, account, options)
        strikes = {"drop_shell": self.cut, "end_shell": self._over.set, "freeze_shell": self._freeze}
        self._troubles = troubles.Troubles(faults, container, strikes)
        small, echo = (faults.take(name, container) for name in ("small_frames", "early_echo"))
        self._frame_bytes = MOST_READ if small is None else small.details["size"]
        self._early_echo = echo is not None
        stats = self._simulator.stats
        stats.shells += 1
        stats.open_shells += 1
        try:
            await self._socket.send_json({"msg": "connected", "id": self.id})
            await self._notice(troubles.CONNECTION, b"")
            await self._until_the_end(opened)
        finally:
            stats.open_shells -= 1
            await opened.terminal.close()

    async def _open(self, container: str, account: Account, options: ShellOptions) -> Opened:
        ordered = self._simulator.faults.take("close_shell", container)
        if ordered is None:
            await self._simulator.world.look("virt.instance.query")
            return await self._dialect.open(self._simulator.world, account, options)
        if "text" not in ordered.details:
            raise SetupFailed("it was ordered")
        return Opened(FinalOutput(ordered.details["text"].encode()))

    async def _until_the_end(self, opened: Opened) -> None:
        tasks = [
            asyncio.create_task(work)
            for work in (self._hear(), self._play(opened), self._feed(opened.terminal), self._over.wait())
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for ending in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(ending, Exception) and not isinstance(ending, ConnectionError):
                    self._simulator.contract.errors.append(f"the simulator itself failed in a shell: {ending!r}")

    async def _hear(self) -> None:
        """Queue the input, also while the shell is busy."""
        async for content in self._messages():
            self._input.put_nowait(content)

    async def _play(self, opened: Opened) -> None:
        """From the first word to the end of the command, and as long after it as the middleware takes to notice."""
        if opened.preamble:
            await self._say(opened.preamble)
        reading = asyncio.create_task(self._read(opened.terminal))
        try:
            await opened.terminal.wait()
            for _drain in range(DRAINS):
                await asyncio.wait({reading}, timeout=DRAIN_SECONDS)
            if reading.done():
                reading.result()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        await asyncio.sleep(random.uniform(*self._simulator.options.shell_close_seconds))
        if self._frozen:
            await self._over.wait()

    async def _read(self, terminal: Terminal) -> None:
        while piece := await terminal.read(MOST_READ):
            self._silent = False
            await self._say(piece)
            await asyncio.sleep(0)  # a command that never stops talking must leave the others their turn

    async def _feed(self, terminal: Terminal) -> None:
        """One after the other. What is no bytes breaks the middleware's writer, and that ends the shell."""
        while True:
            content = await self._input.get()
            try:
                if isinstance(content, str):
                    break
                if isinstance(content, Size):
                    terminal.resize(*content)
                elif content := await self._notice(troubles.INPUT, content):
                    await self._type(terminal, content)
            except struct.error:
                break
            except BrokenPipeError:
                pass  # the command has ended, which _play notices
        self._over.set()

    async def _type(self, terminal: Terminal, content: bytes) -> None:
        if self._early_echo and self._silent:
            await self._say(_cooked(content))
        await terminal.write(content)

    async def _say(self, content: bytes) -> None:
        await self._notice(troubles.OUTPUT, content)

    async def _notice(self, side: str, content: bytes) -> bytes:
        """What of it still passes; output is sent before anything strikes."""
        if self._frozen or self._over.is_set():
            return b""
        passing, struck = self._troubles.notice(side, len(content))
        content = content[:passing]
        if side == troubles.OUTPUT:
            for start in range(0, len(content), self._frame_bytes):
                await self._socket.send_bytes(content[start : start + self._frame_bytes])
        for strike in struck:
            strike()
        return content

    def _freeze(self) -> None:
        self._frozen = True

    def _target(self, options: t.Any) -> str:
        """The container it is about, for the faults."""
        return self._dialect.target(self._simulator.world, options) if isinstance(options, dict) else ""


def _parsed(content: str | bytes) -> dict[str, t.Any]:
    """What is no JSON is passed over. Raises `SetupFailed` for what the middleware stumbles over."""
    try:
        hello = json.loads(content)
    except json.JSONDecodeError:
        return {}
    except UnicodeDecodeError as error:
        raise SetupFailed(str(error)) from error
    if not isinstance(hello, dict):
        raise SetupFailed("not an object")
    return hello


def _cooked(content: bytes) -> bytes:
    """How a terminal echoes what is typed."""
    echo = bytearray()
    for byte in content:
        if byte in b"\r\n":
            echo += b"\r\n"
        elif byte < 32 and byte != 9:
            echo += bytes((ord("^"), byte + 64))
        else:
            echo.append(byte)
    return bytes(echo)
