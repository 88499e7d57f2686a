# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One guest: its files, its live namespaces once something needs them, its SSH server, and its start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import stat
import typing as t

import asyncssh

from tests.simulator.engines.base import Finished
from tests.simulator.engines.process import packages, units
from tests.simulator.engines.process.guest_init import GuestInit
from tests.simulator.engines.process.image import Image
from tests.simulator.engines.process.init_starter import PATH
from tests.simulator.engines.process.inside.wire import Layout
from tests.simulator.engines.process.ssh import Server, accepted_variables
from tests.simulator.engines.process.tree import Tree

RC_LOCAL = "/etc/rc.local"
SECONDS_TO_HANG_UP = 1.0
SECONDS_TO_CLOSE = 0.01


class Home(t.NamedTuple):
    """What all guests of an engine share."""

    image: Image
    stage: pathlib.Path
    """Empty directories over which a guest builds its tree, each in its own namespace."""
    ssh_port: int
    mirrors_down: set[str]
    """Guests whose apt-get reaches no mirror; `*` is all of them."""


class Guest:
    def __init__(self, name: str, tree: Tree, home: Home, address: str) -> None:
        self.name = name
        self.tree = tree
        self.address = address
        self.running = False
        self.environment: dict[str, str] = {}
        self.shared: dict[str, str] = {}
        """Directories of this machine that its namespaces, once they are made, have below a path."""
        self.accepted_variables: list[str] = []
        """Patterns of those that the SSH server takes from clients, as configured when it was last started."""
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.boot_log: Finished | None = None
        """How /etc/rc.local ended the last time."""
        self._home = home
        self._init: GuestInit | None = None
        self._entering = asyncio.Lock()
        self._doorbell: asyncio.Server | None = None
        self._listener: asyncssh.SSHAcceptor | None = None
        self._boot: asyncio.Task[None] | None = None

    # ----- its life

    def preinstall_ssh(self) -> None:
        """For images that come with an SSH server. The guest has not run yet."""
        for path, file in packages.ssh_server_files().items():
            self.tree.put(path, file.content, file.mode)
        private, public = packages.new_host_key()
        self.tree.put(packages.HOST_KEY, private, 0o600)
        self.tree.put(f"{packages.HOST_KEY}.pub", public)
        self.tree.put(packages.STATUS, packages.SSH_STATUS)
        self.tree.put_link(units.SSH_WANTED, packages.SSH_UNIT)

    async def start(self, environment: t.Mapping[str, str]) -> None:
        if self.running:
            return
        await self.leave()  # what was opened to look at its files does not count as booted
        self.running = True
        self.environment = dict(environment)
        self.boot_log = None
        if self.tree.changed(units.SSH_WANTED) and self.tree.changed(packages.SSHD):
            await self.open_ssh()
        if self._has_rc_local():
            self._boot = asyncio.create_task(self._run_rc_local(), name=f"rc.local of {self.name}")

    async def stop(self, *, graceful: bool) -> None:
        self.running = False
        await self.close_ssh()
        if self._boot is not None:
            self._boot.cancel()
            await asyncio.gather(self._boot, return_exceptions=True)
            self._boot = None
        await self.leave(graceful=graceful)

    @property
    def booting(self) -> bool:
        return self._boot is not None and not self._boot.done()

    async def booted(self) -> Finished | None:
        """Wait for /etc/rc.local and say how it ended; None when there was none to run."""
        if self._boot is not None:
            await asyncio.wait({self._boot})
        return self.boot_log

    def _has_rc_local(self) -> bool:
        """A symlink may lead to something executable: the guest finds out."""
        found = self.tree.changed(RC_LOCAL)
        return found is not None and (stat.S_ISLNK(found.st_mode) or bool(found.st_mode & 0o111))

    async def _run_rc_local(self) -> None:
        with contextlib.suppress(ConnectionResetError):
            self.boot_log = await (await self.init()).run([RC_LOCAL, "start"], environment=self.command_environment())

    # ----- its inside

    async def init(self) -> GuestInit:
        """The live namespaces, made now when there are none."""
        async with self._entering:
            if self._init is None or not self._init.alive:
                await self._leave()
                image = self._home.image
                layout = Layout(
                    hostname=self.name,
                    image=str(image.folder),
                    guest=str(self.tree.folder),
                    overlays=image.overlays,
                    shared=self.shared,
                    first_id=image.ids.first,
                    ids=image.ids.number,
                )
                self._init = await GuestInit.open(layout, self._home.stage)
                self._doorbell = await asyncio.start_unix_server(self._answer_door, sock=self._init.doorbell)
            return self._init

    async def leave(self, *, graceful: bool = False) -> None:
        async with self._entering:
            await self._leave(graceful=graceful)

    async def _leave(self, *, graceful: bool = False) -> None:
        if self._doorbell is not None:
            self._doorbell.close()
            self._doorbell = None
        if self._init is not None:
            await self._init.close(graceful=graceful)
            self._init = None
            await self.tree.clear_work()

    @contextlib.asynccontextmanager
    async def held_still(self) -> t.AsyncIterator[None]:
        """Nothing in the guest moves meanwhile, so that a copy of its files is of one moment."""
        async with self._entering:
            init = self._init if self._init is not None and self._init.alive else None
            try:
                if init is not None:
                    await init.ask("pause")
                yield
            finally:
                if init is not None and init.alive:
                    await init.ask("resume")

    def command_environment(self, more: t.Mapping[str, str] | None = None) -> dict[str, str]:
        return {"PATH": PATH, "HOME": "/root", "USER": "root", "LANG": "C.UTF-8", **self.environment, **(more or {})}

    async def _answer_door(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The guest's systemctl and apt-get ask here: words in a line, as hexadecimal digits."""
        try:
            words = bytes.fromhex((await reader.readline()).decode()).decode(errors="surrogateescape")
            finished = await self._asked(*words.split("\0"))
        except ValueError:
            finished = Finished(1, b"", b"init did not understand\n")
        writer.write(b"%d %d\n" % (finished.returncode, len(finished.stdout)) + finished.stdout + finished.stderr)
        try:
            await writer.drain()
        except ConnectionError:
            pass  # the caller has gone
        finally:
            writer.close()

    async def _asked(self, name: str, *arguments: str) -> Finished:
        tool = units.systemctl if name == "systemctl" else packages.apt_get
        try:
            return await tool(self, list(arguments))
        except OSError as error:
            return Finished(1, b"", f"{name}: {error.strerror or error}\n".encode())

    # ----- its SSH server

    @property
    def mirror_is_down(self) -> bool:
        return not self._home.mirrors_down.isdisjoint({self.name, "*"})

    @property
    def ssh_is_open(self) -> bool:
        return self._listener is not None

    async def open_ssh(self) -> bool:
        """Listen with the guest's own host key; False when it has none that can be read."""
        private = self.tree.read_changed(packages.HOST_KEY)
        try:
            key = asyncssh.import_private_key(private or b"")
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
            return False
        if self._listener is None and self.running:
            self.accepted_variables = accepted_variables(self.tree)
            self._listener = await asyncssh.listen(
                self.address,
                self._home.ssh_port,
                server_factory=lambda: Server(self),
                server_host_keys=[key],
                line_editor=False,
                agent_forwarding=False,
            )
        return True

    async def close_ssh(self, *, listener_only: bool = False) -> None:
        """Connections outlive a restart of sshd, but not the guest."""
        if self._listener is not None:
            # Not waited for: from Python 3.12 on that would be for the connections as well.
            self._listener.close()
            self._listener = None
            # A client that disconnected is removed from the list before the loop has closed its socket.
            await asyncio.sleep(SECONDS_TO_CLOSE)
        if listener_only:
            return
        connections = list(self.connections)
        for connection in connections:
            connection.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_HANG_UP):
                await asyncio.gather(*(connection.wait_closed() for connection in connections))
        for connection in connections:
            connection.abort()
