# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A place to meet for every test, whose holders end with it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import launcher, protocol, server
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import status as daemon_status
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.identity import VERSION
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.open_session import open_session
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import NoRuntimeDir, find
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.startup_config import DaemonConfig
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint, Timeouts

ROOT = Path(__file__).resolve().parents[6]
CLIENTS = Path(__file__).with_name("clients.py")
SECONDS = 20.0


def ignore(text: str) -> None:
    """Shorten the waits."""


def until(condition: t.Callable[[], t.Any], what: str) -> t.Any:
    """What the condition is, once it is something."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"it never happened: {what}")


def lives(pid: int) -> bool:
    """Return whether a process runs. Ended processes that their parent does not collect stay as zombies."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def release() -> str:
    """What is shared here does not depend on it."""
    return "25.10"


@pytest.fixture(autouse=True)
def runtime_directory(monkeypatch) -> t.Iterator[Path]:
    """Return a directory for this test. Its path is short, as the path of a socket must be."""
    parent = Path(tempfile.mkdtemp(prefix="px-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(parent))
    yield parent / "pixels"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(parent))
    with contextlib.suppress(NoRuntimeDir):
        daemon_status.stop()
    shutil.rmtree(parent)


@pytest.fixture
def give_up_soon(monkeypatch) -> t.Callable[[], None]:
    """Return what makes clients give up on a silent daemon soon.

    They wait long for the daemon that replaces it: on a busy machine it is slow.
    """
    start = launcher._start

    def start_and_wait(config: DaemonConfig, path: str) -> None:
        monkeypatch.setattr(protocol, "RESPONSE_TIMEOUT_S", SECONDS)
        start(config, path)

    def shorten() -> None:
        monkeypatch.setattr(protocol, "RESPONSE_TIMEOUT_S", 0.2)
        monkeypatch.setattr(launcher, "_start", start_and_wait)

    return shorten


class Nas:
    """A simulated NAS, and sessions with it."""

    def __init__(self, simulator: t.Any) -> None:
        self.simulator = simulator
        self.endpoint = Endpoint(simulator.host, simulator.port, ca_path=simulator.ca_file)
        self.credential = Credential(simulator.username, api_key=simulator.api_key)

    def open(
        self,
        *,
        credential: Credential | None = None,
        timeouts: Timeouts = Timeouts(connect=5, call=10, job=20, login_wait=5),
        notice: t.Callable[[str], None] = ignore,
        **options: t.Any,
    ) -> t.Any:
        return open_session(self.endpoint, credential or self.credential, timeouts, notice, **options)

    @contextlib.contextmanager
    def held(self, **options: t.Any) -> t.Iterator[tuple[t.Any, int]]:
        """A session that has called once, and the process that holds it."""
        with self.open(**options) as session:
            session.read("system.version")
            [daemon] = daemon_status.status()
            yield session, daemon.pid

    def order(self, **options: t.Any) -> str:
        """Return the input of the program clients.py."""
        return json.dumps(
            {
                "host": self.endpoint.host,
                "port": self.endpoint.port,
                "ca_path": self.endpoint.ca_path,
                "username": self.credential.username,
                "api_key": self.credential.api_key,
                "mode": "auto",
                "idle": 20.0,
                "forks": 1,
                "before_fork": False,
                "do": "read",
                "method": "system.version",
                "params": [],
                "silent": None,
                **options,
            }
        )

    def run_clients(self, *, code: Path = ROOT / "build", **options: t.Any) -> list[str]:
        """Return the replies that separate processes got; `code` is the directory of the collection."""
        ended = subprocess.run(
            [sys.executable, str(CLIENTS)],
            input=self.order(**options),
            env=caller_environment(code),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ended.stderr == ""
        return ended.stdout.splitlines()


def caller_environment(code: Path = ROOT / "build") -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(code)}


@contextlib.asynccontextmanager
async def in_this_process(nas):
    """A session daemon in the process of the test, and a connection to it."""
    runtime_dir = find()
    config = DaemonConfig(nas.endpoint, nas.credential, Timeouts(), 60.0, runtime_dir.directory, "name", VERSION)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(runtime_dir.socket_path("name"))
        listener.listen()
        listener.settimeout(0)
        daemon = server.SessionDaemon(config, listener)
        serving = asyncio.create_task(daemon.serve())
        reader, writer = await asyncio.open_unix_connection(runtime_dir.socket_path("name"))
        yield daemon, reader, writer
        daemon.stop()
        await serving
        writer.close()


@pytest.fixture
def nas(truenas) -> Nas:
    return Nas(truenas)
