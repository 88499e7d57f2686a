# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated NAS for a test: `with running_simulator(release="25.10") as simulator`."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import typing as t

from tests.simulator.accounts import Account, Accounts
from tests.simulator.faults import Faults
from tests.simulator.options import Options
from tests.simulator.server import LOOPBACK, Server
from tests.simulator.simulator import ADMIN_PASSWORD, Simulator
from tests.simulator.stats import Stats
from tests.simulator.world import World

START_SECONDS = 120.0
STOP_SECONDS = 30.0
REAL_SECONDS = 3600.0
"""For both where containers are those of a virtual machine, which may be emulated."""


class RunningSimulator:
    """What a test needs of a NAS that runs in another thread."""

    def __init__(self, simulator: Simulator, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self._simulator = simulator
        self._server = server
        self._loop = loop
        self.host = server.host
        self.port = server.port
        self.url = f"wss://{server.host}:{server.port}/api/current"
        self.shell_url = f"wss://{server.host}:{server.port}/websocket/shell"
        self.ca_file = str(simulator.certificate.ca_file)
        self.username = simulator.admin.username
        self.api_key = simulator.admin.keys[0].text
        self.password = ADMIN_PASSWORD
        self.control_url = f"http://{LOOPBACK}:{server.control_port}"
        self.plain_port = server.plain_port
        """Of the ws:// listener, with `plain=True`."""
        self.redirect_port = server.redirect_port
        """Of the http:// listener that answers 307, with `redirect=True`."""
        self.state_dir = simulator.state_dir
        self.release = simulator.release

    @property
    def world(self) -> World:
        return self._simulator.world

    @property
    def faults(self) -> Faults:
        return self._simulator.faults

    @property
    def stats(self) -> Stats:
        return self._simulator.stats

    @property
    def accounts(self) -> Accounts:
        return self._simulator.accounts

    @property
    def admin(self) -> Account:
        """The account of `username`: a test may expire it, revoke its key, give it a second factor."""
        return self._simulator.admin

    @property
    def contract_errors(self) -> list[str]:
        """Mismatches with the real API's schemas, and failures of the simulator itself: a test ends with none."""
        return self._simulator.contract.errors

    @property
    def ssh_port(self) -> int:
        return self._simulator.engine.ssh_port

    def add_account(self, username: str, *, roles: t.Iterable[str], web_shell: bool = False, sudo: bool = False) -> str:
        """The new account's API key."""
        return self._simulator.add_account(username, roles=roles, web_shell=web_shell, sudo=sudo).keys[0].text

    def restart_middleware(self, *, seconds: float = 0.0) -> None:
        """Restart the middleware: close connections and forget jobs. The NAS replies with 502 for so many seconds."""
        self._loop.call_soon_threadsafe(self._simulator.restart_soon, seconds)

    def set_up_incus(self) -> None:
        """Set up virtualization again, as after an upgrade or a reset; `world.state` has the result."""
        self.run(self._simulator.set_up_incus())

    def cut_connections(self) -> None:
        """As a broken network does."""
        self._loop.call_soon_threadsafe(self._simulator.hang_up)

    def reset(self) -> None:
        self.run(self._simulator.reset())

    def run(self, work: t.Coroutine[t.Any, t.Any, t.Any]) -> t.Any:
        """Something of the simulator that only its own loop may do."""
        seconds = REAL_SECONDS if self._simulator.options.engine == "incus" else START_SECONDS
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)


@contextlib.asynccontextmanager
async def serving(options: Options) -> t.AsyncIterator[tuple[Simulator, Server]]:
    """A simulator in this event loop; at the end nothing of it is left."""
    simulator = Simulator(options)
    server = Server(simulator)
    try:
        await simulator.open()
        await server.open()
        yield simulator, server
    finally:
        simulator.hang_up()
        await server.close()
        await simulator.close()
        await close_what_is_left()


async def close_what_is_left() -> None:
    """A peer that is slow to answer the end of TLS would have its connection outlive the loop.

    Only the loop still knows such a connection, and not by a public name.
    """
    for transport in list(getattr(asyncio.get_running_loop(), "_transports", {}).values()):
        transport.abort()
    # It is closed in the loop's next round.
    await asyncio.sleep(0)


@contextlib.contextmanager
def running_simulator(**options: t.Any) -> t.Iterator[RunningSimulator]:
    """Keywords are the fields of `Options`. Raises what kept the simulator from starting."""
    chosen = Options(**options)
    context = serving(chosen)
    starts, stops = (REAL_SECONDS, REAL_SECONDS) if chosen.engine == "incus" else (START_SECONDS, STOP_SECONDS)
    # Its end cancels abandoned tasks, such as the TLS handshake of a late client.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_forever, name="simulator", daemon=True)
        thread.start()
        try:
            simulator, server = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(starts)
            try:
                yield RunningSimulator(simulator, server, loop)
            finally:
                asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(stops)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
