# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the virtual machine, in which the containers that run are mounted."""

from __future__ import annotations

import base64
import posixpath
import stat as modes
import typing as t

from tests.simulator.engines.base import Stat
from tests.simulator.host_files import HostFiles, Location, kind, os_errors

if t.TYPE_CHECKING:
    from tests.simulator.engines.incus.agent import Agent


class RealFiles(HostFiles):
    """Paths are those of the virtual machine, whose kernel walks them."""

    def use(self, agent: Agent) -> None:
        self._agent = agent
        self._mountpoints: dict[str, bool] = {}

    async def resolve(self, path: str, *, follow: bool = True, links: bool = True) -> Location:
        with os_errors(path):
            if follow:
                return Location(await self._agent.files("real", path))
            folder, _slash, name = path.rstrip("/").rpartition("/")
            return Location(posixpath.join(await self._agent.files("real", folder or "/"), name))

    async def look(self, location: Location) -> Stat | None:
        found = await look(self._agent, location.path)
        self._mountpoints[location.path] = found is not None and found[1]
        return None if found is None else found[0]

    def is_mountpoint(self, path: str) -> bool:
        return self._mountpoints.get(path, False)

    async def names(self, location: Location) -> list[str]:
        with os_errors(location.path):
            return sorted(await self._agent.files("names", location.path))

    async def read(self, location: Location) -> bytes:
        with os_errors(location.path):
            return base64.b64decode(await self._agent.files("read", location.path))

    async def write(
        self,
        location: Location,
        content: bytes,
        *,
        append: bool = False,
        mode: int | None = None,
        uid: int = -1,
        gid: int = -1,
    ) -> None:
        with os_errors(location.path):
            text = base64.b64encode(content).decode()
            await self._agent.files("write", location.path, text, append, mode, uid, gid)


async def look(agent: Agent, path: str) -> tuple[Stat, bool] | None:
    """Return what is at a path, and whether something is mounted there."""
    found = await agent.files("look", path)
    if found is None:
        return None
    size, mode, uid, gid, mtime, target, mounted = found
    return Stat(kind(modes.S_IFMT(mode)), size, mode, uid, gid, mtime, target), mounted
