# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web shell as a client has it, and simulators with containers to open one in."""

from __future__ import annotations

import json
import typing as t

import aiohttp
import pytest

from tests.simulator.engines.base import EngineUnavailable
from tests.simulator.running import RunningSimulator
from tests.unit.simulator.conftest import Connect, Start
from tests.unit.simulator.talk import Message, Talk

SHELL = "/websocket/shell"
TOKEN = (300, {}, True, True)
"""A good one: it lives for a while, has no attributes, comes from where it was made, and can be used once."""


class ShellTalk(Talk):
    """One connection to `/websocket/shell`."""

    def __init__(self, simulator: RunningSimulator, source: str | None = None) -> None:
        super().__init__(simulator, path=SHELL, source=source)

    def hello(self, token: t.Any, **options: t.Any) -> Message:
        """The answer to a token."""
        self.send(json.dumps({"token": token, "options": options}))
        return self.receive()

    def type(self, text: str) -> None:
        self.send_bytes(text.encode())

    def read_until(self, wanted: bytes) -> bytes:
        content = b""
        while wanted not in content:
            frame = self.frame()
            assert frame.type is aiohttp.WSMsgType.BINARY, f"after {content!r} there came {frame}"
            content += frame.data
        return content

    def frames(self) -> tuple[list[bytes], int | None]:
        """All that is still said, and the code of the close frame; None where the connection just breaks off."""
        frames: list[bytes] = []
        while (frame := self.frame()).type is aiohttp.WSMsgType.BINARY:
            frames.append(frame.data)
        return frames, frame.data if frame.type is aiohttp.WSMsgType.CLOSE else None

    def rest(self) -> tuple[bytes, int | None]:
        frames, code = self.frames()
        return b"".join(frames), code


class Shells:
    """A simulator, a login at it, and its shells."""

    def __init__(self, simulator: RunningSimulator, api: Talk, connect: t.Callable[..., ShellTalk]) -> None:
        self.simulator = simulator
        self.api = api
        self.connect = connect

    def token(self, *arguments: t.Any) -> str:
        return t.cast(str, self.api.call("auth.generate_token", *(arguments or TOKEN)))

    def of(self, container: str) -> dict[str, t.Any]:
        """The option that asks for it."""
        target = self.simulator.release.shell_target
        domains = self.simulator.world.domains
        return {target: domains[container].id if target == "container_id" else container}

    def open(self, container: str = "px-web", **options: t.Any) -> ShellTalk:
        """One that is connected."""
        shell = self.connect()
        answer = shell.hello(self.token(), **self.of(container), **options)
        assert answer["msg"] == "connected", answer
        return shell

    def refused(self, **options: t.Any) -> tuple[bytes, int | None]:
        """Close a shell that was never connected."""
        shell = self.connect()
        shell.send(json.dumps({"token": self.token(), "options": options}))
        return shell.rest()


MakeShells = t.Callable[..., Shells]


@pytest.fixture
def make_shells(start: Start, connect: Connect) -> t.Iterator[MakeShells]:
    opened: list[ShellTalk] = []

    def make(**options: t.Any) -> Shells:
        """A NAS with the engine `paper` unless another one is requested; `px-web` runs."""
        try:
            simulator = start(**options)
        except EngineUnavailable as reason:
            pytest.skip(str(reason))
        simulator.world.add_container("px-web")
        api = connect(simulator)
        api.login()

        def connect_shell(source: str | None = None) -> ShellTalk:
            opened.append(ShellTalk(simulator, source))
            return opened[-1]

        return Shells(simulator, api, connect_shell)

    yield make
    for shell in opened:
        shell.close()


@pytest.fixture
def paper(make_shells: MakeShells) -> Shells:
    """For all that happens before a command runs."""
    return make_shells()


@pytest.fixture
def shells(make_shells: MakeShells) -> Shells:
    """Of containers that run."""
    return make_shells(engine="process")
