# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to the agent in the virtual machine (tests/truth/guest/agent.py)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import typing as t
import uuid

from tests.simulator.engines.base import Finished
from tests.simulator.errors import CallError

ADDRESS, PORT = "192.168.77.2", 7777
LIMIT = 64 * 1024**2
"""The longest reply in bytes: a file, or what a command printed."""
ERROR_CODES = 400
"""HTTP statuses from here on are errors."""


class IncusError(CallError):
    """Incus refused a request, or an operation failed: its own text."""


class Agent:
    def __init__(self, address: str = ADDRESS, port: int = PORT) -> None:
        self._address = address
        self._port = port

    async def connect(self, request: dict[str, t.Any]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises OSError."""
        reader, writer = await asyncio.open_connection(self._address, self._port, limit=LIMIT)
        writer.write(json.dumps(request).encode() + b"\n")
        return reader, writer

    async def ask(self, request: dict[str, t.Any]) -> t.Any:
        """Return the one line of JSON with which the agent answers. Raises OSError."""
        reader, writer = await self.connect(request)
        try:
            line = await reader.readline()
        finally:
            writer.close()
        if not line:
            raise ConnectionResetError(f"the agent did not answer {sorted(request)}")
        return json.loads(line)

    async def run(self, argv: t.Sequence[str], *, stdin: bytes = b"") -> Finished:
        """Run a command as root of the virtual machine."""
        request = {"run": ["env", "HOME=/root", *argv], "stdin": base64.b64encode(stdin).decode()}
        code, stdout, stderr = await self.ask(request)
        return Finished(code, base64.b64decode(stdout), base64.b64decode(stderr))

    async def files(self, name: str, *arguments: t.Any) -> t.Any:
        """Raises OSError of the virtual machine."""
        number, result = await self.ask({"files": [name, *arguments]})
        if number is not None:
            raise OSError(number, os.strerror(number))
        return result

    async def open_terminal(self, argv: t.Sequence[str], environment: t.Mapping[str, str]) -> AgentTerminal:
        name = str(uuid.uuid4())
        request = {"terminal": list(argv), "environment": dict(environment), "name": name}
        return AgentTerminal(self, name, *await self.connect(request))

    # Incus, as `incus_call` of the middleware asks it (plugins/virt/utils.py of TS-25.10.6)

    async def incus(self, method: str, path: str, body: t.Any = None) -> t.Any:
        """Return the reply to one request to the REST API of Incus. Raises IncusError."""
        reader, writer = await self.connect({"incus": True})
        try:
            content = b"" if body is None else json.dumps(body).encode()
            headers = f"Host: incus\r\nConnection: close\r\nContent-Length: {len(content)}\r\n"
            writer.write(f"{method} /{path} HTTP/1.1\r\n{headers}\r\n".encode() + content)
            reply = await reader.read(-1)
        finally:
            writer.close()
        found = json.loads(body_of(reply))
        if found["type"] == "error" or found.get("error_code", 0) >= ERROR_CODES:
            raise IncusError(found["error"])
        return found

    async def wait(self, method: str, path: str, body: t.Any = None, *, timeout: float) -> None:
        """Start an operation and wait for its end. Raises IncusError, and CallError `Timed out`: then it goes on."""
        started = await self.incus(method, path, body)
        if started["type"] == "sync":
            return
        operation = started["metadata"]["id"]
        waiting = asyncio.create_task(self.incus("GET", f"1.0/operations/{operation}/wait?timeout=-1"))
        done, _waiting = await asyncio.wait({waiting}, timeout=timeout)
        if not done:
            waiting.cancel()
            raise CallError("Timed out")
        ended = waiting.result()["metadata"]
        if ended["err"]:
            raise IncusError(ended["err"])


def body_of(reply: bytes) -> bytes:
    """Return the body of an HTTP reply that ended with its connection."""
    if not reply:
        raise ConnectionResetError("Incus does not answer")
    head, _blank, body = reply.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        return body
    joined = b""
    while body:
        size, _newline, body = body.partition(b"\r\n")
        length = int(size, 16)
        joined, body = joined + body[:length], body[length + 2 :]
    return joined


class AgentTerminal:
    """A terminal in the virtual machine, with a command in it."""

    def __init__(self, agent: Agent, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._agent = agent
        self._name = name
        self._reader = reader
        self._writer = writer
        self._ended = asyncio.Event()
        self._resizes: set[asyncio.Task[t.Any]] = set()

    async def read(self, most: int) -> bytes:
        try:
            content = await self._reader.read(most)
        except ConnectionError:
            content = b""
        if not content:
            self._ended.set()
        return content

    async def write(self, content: bytes) -> None:
        try:
            self._writer.write(content)
            await self._writer.drain()
        except ConnectionError as error:
            raise BrokenPipeError from error

    def resize(self, columns: int, rows: int) -> None:
        task = asyncio.create_task(self._agent.ask({"resize": [self._name, columns, rows]}))
        self._resizes.add(task)
        task.add_done_callback(self._resizes.discard)

    async def wait(self) -> None:
        await self._ended.wait()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
