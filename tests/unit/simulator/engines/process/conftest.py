# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine with a loop of its own, so that a test can use a blocking SSH client against its guests."""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
import threading
import typing as t

import asyncssh
import paramiko
import pytest

from tests.simulator.engines.base import EngineUnavailable, Finished
from tests.simulator.engines.process.engine import ProcessEngine

T = t.TypeVar("T")
KEY = asyncssh.generate_private_key("ssh-ed25519")
PUBLIC_KEY = KEY.export_public_key("openssh")


class Lab:
    """An open engine and short ways to say what a test does with it."""

    def __init__(self, engine: ProcessEngine, loop: asyncio.AbstractEventLoop) -> None:
        self.engine = engine
        self._loop = loop

    def do(self, what: t.Coroutine[t.Any, t.Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(30)

    def start(self, name: str = "px-web", **environment: str) -> str:
        """Create it where there is none, and start it."""
        with contextlib.suppress(ValueError):
            self.do(self.engine.create(name, "ubuntu/24.04"))
        self.do(self.engine.start(name, cpu="2", memory=2**31, environment=environment))
        return name

    def start_with_ssh(self, name: str = "px-web", **environment: str) -> str:
        self.engine.ssh_installed = True
        self.start(name, **environment)
        self.write(name, "/root/.ssh/authorized_keys", PUBLIC_KEY, mode=0o600)
        return name

    def restart(self, name: str, **environment: str) -> None:
        self.stop(name)
        self.start(name, **environment)

    def stop(self, name: str, *, force: bool = False) -> None:
        self.do(self.engine.stop(name, force=force))

    def run(self, name: str, *argv: str, stdin: bytes = b"") -> Finished:
        return self.do(self.engine.run(name, argv, stdin=stdin))

    def shell(self, name: str, script: str) -> str:
        """Output of a script that must work."""
        finished = self.run(name, "/bin/sh", "-ec", script)
        assert finished.returncode == 0, finished
        return finished.stdout.decode().strip()

    def write(
        self, name: str, path: str, content: bytes | str, *, mode: int | None = None, append: bool = False
    ) -> None:
        raw = content.encode() if isinstance(content, str) else content
        self.do(self.engine.write_file(name, path, raw, append=append, mode=mode, uid=-1, gid=-1))

    def read(self, name: str, path: str) -> bytes:
        return self.do(self.engine.read_file(name, path))

    def address(self, name: str) -> str:
        return self.engine.addresses(name)[0].address

    def listens(self, name: str) -> bool:
        """Whether an SSH server greets; the conversation is ended in order, so that nothing of it is left half open."""
        with contextlib.suppress(OSError):
            transport = paramiko.Transport(socket.create_connection((self.address(name), self.engine.ssh_port), 5))
            with contextlib.closing(transport):
                transport.start_client(timeout=5)
                return True
        return False

    @contextlib.contextmanager
    def ssh(self, name: str, username: str = "root", key: asyncssh.SSHKey = KEY) -> t.Iterator[paramiko.SSHClient]:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        with client:
            client.connect(
                self.address(name),
                self.engine.ssh_port,
                username,
                pkey=paramiko.Ed25519Key.from_private_key(io.StringIO(key.export_private_key("openssh").decode())),
                allow_agent=False,
                look_for_keys=False,
                timeout=10,
            )
            yield client

    def host_key(self, name: str) -> bytes:
        """What the guest's server shows to a client."""
        with self.ssh(name) as client:
            transport = t.cast(paramiko.Transport, client.get_transport())
            return transport.get_remote_server_key().asbytes()


@pytest.fixture
def loop() -> t.Iterator[asyncio.AbstractEventLoop]:
    """Runs in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture
def lab(loop: asyncio.AbstractEventLoop) -> t.Iterator[Lab]:
    engine = ProcessEngine()
    lab = Lab(engine, loop)
    try:
        lab.do(engine.open())
    except EngineUnavailable as reason:
        pytest.skip(str(reason))
    yield lab
    lab.do(engine.close())
