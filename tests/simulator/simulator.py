# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulated NAS: its parts, its start and stop, and what it forgets when it restarts."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import itertools
import shutil
import tempfile
import typing as t
import uuid
from pathlib import Path

from tests.simulator import methods, tls
from tests.simulator.accounts import Account, Accounts, Login
from tests.simulator.auth import Authenticator, Peer
from tests.simulator.contract import Contract
from tests.simulator.engines.paper import PaperEngine
from tests.simulator.errors import CallError
from tests.simulator.events import Events
from tests.simulator.faults import Faults
from tests.simulator.job import Job
from tests.simulator.jobs import Jobs
from tests.simulator.methods import virt_global
from tests.simulator.options import Options
from tests.simulator.rate_limit import RateLimit
from tests.simulator.registry import REGISTRY, Context
from tests.simulator.releases import RELEASES
from tests.simulator.stats import Stats
from tests.simulator.world import World, WorldOptions

if t.TYPE_CHECKING:
    from tests.simulator.connection import Connection
    from tests.simulator.engines.base import Engine
    from tests.simulator.registry import Method
    from tests.simulator.shell.session import Shell

ADMIN = "pixels"
ADMIN_PASSWORD = "pixels-password"

methods.load()


class Simulator:
    """Lives in one event loop; `world`, `faults`, `stats`, `accounts` are also used from the thread of a test."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.release = RELEASES[options.release]
        self.offers_scram = self.release.scram or options.scram
        self.boot_id = str(uuid.uuid4())
        self.stats = Stats()
        self.contract = Contract.of(self.release.version)
        self.accounts = Accounts(scram_iterations=options.scram_iterations)
        self.admin = self.accounts.add(ADMIN, password=ADMIN_PASSWORD, web_shell=True, sudo=True)
        self.admin_login = Login(self.admin, "LOGIN_PASSWORD")
        self.faults = Faults(role_removed=self._remove_role, cleared=self._give_roles_back)
        self.rate_limit = RateLimit(options.login_limit, options.login_window)
        self.jobs = Jobs(self.release, changed=self._job_changed)
        self.connections: set[Connection] = set()
        self.shells: dict[str, Shell] = {}
        """Connections to `/websocket/shell`, by the id that `core.resize_shell` takes."""
        self.down = False
        """The middleware restarts; nginx answers 502."""
        self.state_dir = Path(options.state_dir or tempfile.mkdtemp(prefix="pixels-simulator-"))
        self._remove_state_dir = options.state_dir is None
        self._engine_is_open = False
        self._worlds = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._restarting = asyncio.Lock()

    async def open(self) -> None:
        """Raises `EngineUnavailable` where this machine cannot run the engine."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        certificates = self.state_dir / "tls"
        certificates.mkdir(mode=0o700, exist_ok=True)
        self.certificate = tls.KINDS[self.options.certificate](certificates)
        self.authenticator = Authenticator(
            self.accounts,
            release=self.release,
            options=self.options,
            stats=self.stats,
            channel_binding=self.certificate.channel_binding,
        )
        self.events = Events(self.connections, loop=asyncio.get_running_loop())
        self.engine = self._new_engine()
        await self.engine.open()
        self._engine_is_open = True
        self.world = await self._new_world()

    def method(self, name: str) -> Method | None:
        """Return a method of this release; None if it has none of this name."""
        found = REGISTRY.find(self.release.name, name)
        handler = self.world.handlers.get(name)
        return found if found is None or handler is None else dataclasses.replace(found, handler=handler)

    async def close(self) -> None:
        """End what was started and remove what was written, even where part of the opening failed."""
        await self.jobs.forget_everything()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._engine_is_open:
            await self.engine.close()
        self.accounts.close()
        if self._remove_state_dir:
            shutil.rmtree(self.state_dir, ignore_errors=True)

    def context(self, peer: Peer, connection: Connection | None) -> Context:
        return self.context_of(peer.login, remote=peer.remote, connection=connection)

    def context_of(self, login: Login | None, *, remote: str, connection: Connection | None = None) -> Context:
        """What a method gets to know of its caller."""
        return Context(
            world=self.world,
            release=self.release,
            username="" if login is None else login.username,
            roles=frozenset() if login is None else login.roles,
            remote=remote,
            emit=self.events.emit,
            connection=connection,
            simulator=self,
            login=login,
        )

    def connected(self, connection: Connection) -> None:
        self.connections.add(connection)
        self.stats.connections += 1
        self.stats.open_connections += 1

    def disconnected(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self.stats.open_connections -= 1
        self.authenticator.logout(connection.peer)

    def hang_up(self) -> None:
        """Cut every connection, as a broken network does."""
        connections: list[Connection | Shell] = [*self.connections, *self.shells.values()]
        for connection in connections:
            connection.cut()

    def spawn(self, work: t.Coroutine[t.Any, t.Any, None]) -> asyncio.Task[None]:
        """Runs to its end, whether or not anybody waits for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def restart_soon(self, seconds: float) -> None:
        """For a job or call that takes part in the restart and ends with it."""
        self.spawn(self.restart(seconds))

    async def restart(self, seconds: float) -> None:
        """The middleware goes down for so long: connections and jobs are gone, containers are not."""
        async with self._restarting:
            self.down = True
            self.hang_up()
            await self.jobs.forget_everything()
            self.world.network.forget()
            self.accounts.forget_tokens()
            self.rate_limit.forget()
            await asyncio.sleep(seconds)
            self.down = False

    async def set_up_incus(self) -> None:
        """As after an upgrade of the NAS: Incus knows nothing, and takes the containers from their datasets."""
        context = self.context_of(self.admin_login, remote="127.0.0.1")
        await self.world.forget_incus()
        with contextlib.suppress(CallError):
            await virt_global.run_setup(context)

    async def reset(self) -> None:
        """As new: no containers but the seeded ones, no jobs, no faults, nothing counted; accounts stay."""
        await self.jobs.forget_everything()
        await self.world.remove_files()
        self.world = await self._new_world()
        self.faults.clear()
        self.stats.reset()
        self.rate_limit.forget()
        self.contract.errors.clear()

    def add_account(
        self, username: str, *, roles: t.Iterable[str], web_shell: bool = False, sudo: bool = False
    ) -> Account:
        password = f"{username}-password"
        return self.accounts.add(username, roles=roles, password=password, web_shell=web_shell, sudo=sudo)

    def _new_engine(self) -> Engine:
        if self.options.engine == "paper":
            return PaperEngine()
        if self.options.engine == "lxc":
            from tests.simulator.engines.lxc.engine import LxcEngine

            return LxcEngine(ssh_installed=self.options.ssh_installed)
        if self.options.engine == "incus":
            from tests.simulator.engines.incus.engine import IncusEngine

            return IncusEngine()
        # Only where it is wanted: it brings an SSH server with it, which is slow to import.
        from tests.simulator.engines.process.engine import ProcessEngine

        return ProcessEngine(
            self.state_dir / "guests", ssh_port=self.options.ssh_port, ssh_installed=self.options.ssh_installed
        )

    async def _new_world(self) -> World:
        options = self.options
        world_options = WorldOptions(
            state_dir=self.state_dir / f"nas-{next(self._worlds)}",
            create_seconds=options.create_seconds,
            start_seconds=options.start_seconds,
            stop_seconds=options.stop_seconds,
            unknown_seconds=options.unknown_seconds,
            busy_seconds=options.busy_seconds,
            snapshot_seconds=options.snapshot_seconds,
            address_seconds=options.address_seconds,
            seed_pixels=options.seed_pixels,
        )
        # Where containers are real, the world is what they are.
        make_world = getattr(self.engine, "make_world", functools.partial(World, engine=self.engine))
        world: World = make_world(self.release, world_options)
        world.faults = self.faults
        world.network.hang_up = self.hang_up
        await world.open()
        return world

    def _job_changed(self, job: Job, msg: str) -> None:
        self.events.job(job, msg)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.contract.errors.append(f"the simulator itself failed: {error!r}")

    def _remove_role(self, role: str, username: str | None) -> None:
        for account in self.accounts:
            if username in (None, account.username):
                account.removed_roles.add(role)

    def _give_roles_back(self) -> None:
        for account in self.accounts:
            account.removed_roles.clear()
