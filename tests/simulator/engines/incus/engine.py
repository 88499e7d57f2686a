# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine `incus`: containers of Incus 6.0 on OpenZFS, in the virtual machine of `make truth`.

The middleware is simulated, and does here what it does on a NAS: requests to the REST API of Incus, and operations of
ZFS. What clients see of containers, snapshots and files is what Incus, ZFS and the file system say.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import typing as t

from tests.simulator.engines.base import Address, EngineUnavailable, Finished, Stat
from tests.simulator.engines.final_output import FinalOutput
from tests.simulator.engines.incus import files, setup
from tests.simulator.engines.incus.agent import Agent, AgentTerminal

if t.TYPE_CHECKING:
    from tests.simulator.releases import Release
    from tests.simulator.world import World, WorldOptions

MOUNTED_BELOW = f"/var/lib/incus/storage-pools/{setup.POOL}/containers"
PARALLEL = 4
"""How many containers are removed at the same time."""
KEPT = (setup.POOL, setup.HOME)
SHELL_ENVIRONMENT = {"TERM": "xterm", "HOME": "/root", "LANG": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


class IncusEngine:
    name = "incus"
    ssh_port = 22

    def __init__(self) -> None:
        self.agent = Agent()
        self.ssh_installed = True

    def make_world(self, release: Release, options: WorldOptions) -> World:
        from tests.simulator.engines.incus.world import IncusWorld

        return IncusWorld(release, options, self)

    async def open(self) -> None:
        try:
            left = await self.instances()
        except (OSError, ValueError) as error:
            raise EngineUnavailable(f"the virtual machine of `make truth` does not answer: {error}") from error
        if left:
            raise EngineUnavailable(f"another engine's containers are in the virtual machine: {', '.join(left)}")

    async def close(self) -> None:
        """Destroy every container and dataset that tests have made: the next engine finds what this one did."""
        turn = asyncio.Semaphore(PARALLEL)

        async def remove(name: str) -> None:
            async with turn:
                with contextlib.suppress(Exception):
                    body = {"action": "stop", "timeout": -1, "force": True}
                    await self.agent.wait("PUT", f"1.0/instances/{name}/state", body, timeout=setup.OPERATION_SECONDS)
                with contextlib.suppress(Exception):
                    await self.agent.wait("DELETE", f"1.0/instances/{name}", timeout=setup.OPERATION_SECONDS)

        await asyncio.gather(*map(remove, await self.instances()))
        listed = await setup.checked(
            self.agent, "zfs", "list", "-Hp", "-t", "filesystem", "-o", "name", "-r", setup.POOL
        )
        for dataset in reversed(listed.splitlines()):
            place = dataset.removeprefix(f"{setup.HOME}/")
            made = not dataset.startswith(f"{setup.HOME}/") or place.startswith(("containers/", "deleted/containers/"))
            if made and dataset not in KEPT:
                await self.agent.run(["zfs", "destroy", "-R", dataset])

    async def instances(self) -> dict[str, t.Any]:
        """Return what Incus says of each container. Raises OSError, ValueError, IncusError.

        For one that is just stopping, its list has neither configuration nor state. As the middleware does
        (plugins/virt/instance.py), the container itself is read then: its state is unknown, and it has no addresses.
        """
        found = (await self.agent.incus("GET", "1.0/instances?recursion=2"))["metadata"]
        return {
            each["name"]: each if each.get("config") else await self._instance(each["name"]) for each in found or []
        }

    async def _instance(self, name: str) -> dict[str, t.Any]:
        record: dict[str, t.Any] = (await self.agent.incus("GET", f"1.0/instances/{name}"))["metadata"]
        return record

    # in a container

    async def run(
        self,
        container: str,
        argv: t.Sequence[str],
        *,
        stdin: bytes = b"",
        environment: t.Mapping[str, str] | None = None,
    ) -> Finished:
        variables = [word for key, value in (environment or {}).items() for word in ("--env", f"{key}={value}")]
        return await self.agent.run(["incus", "exec", "-T", container, *variables, "--", *argv], stdin=stdin)

    async def open_terminal(
        self, container: str, argv: t.Sequence[str], *, environment: t.Mapping[str, str]
    ) -> AgentTerminal:
        """As `apps/webshell_app.py` of the middleware: `incus exec` of one word, in a terminal of the NAS."""
        command = ["/usr/bin/incus", "exec", container, *argv]
        return await self.agent.open_terminal(command, {**SHELL_ENVIRONMENT, **environment})

    async def open_host_terminal(self, argv: t.Sequence[str], *, environment: t.Mapping[str, str]) -> FinalOutput:
        """The virtual machine is no NAS."""
        return FinalOutput(b"this NAS has no shell of its own\r\n")

    # files of a container that runs

    async def stat(self, container: str, path: str) -> Stat | None:
        found = await files.look(self.agent, self._rootfs(container) + path)
        return None if found is None else found[0]

    async def list_directory(self, container: str, path: str) -> list[str]:
        return t.cast("list[str]", await self.agent.files("names", self._rootfs(container) + path))

    async def read_file(self, container: str, path: str) -> bytes:
        return base64.b64decode(await self.agent.files("read", self._rootfs(container) + path))

    async def write_file(
        self, container: str, path: str, content: bytes, *, append: bool, mode: int | None, uid: int, gid: int
    ) -> None:
        text = base64.b64encode(content).decode()
        await self.agent.files("write", self._rootfs(container) + path, text, append, mode, uid, gid)

    def _rootfs(self, container: str) -> str:
        return f"{MOUNTED_BELOW}/{container}/rootfs"

    def addresses(self, container: str) -> list[Address]:
        """Rows have them, from Incus."""
        return []

    # The rest of an engine, from `create` to `move_snapshot`, is nothing here: handlers of the world ask Incus and ZFS.

    def used(self, container: str) -> int:
        return 0
