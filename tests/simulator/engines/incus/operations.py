# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests with which the middleware makes Incus create, start, stop, change and delete containers.

Paths, bodies and time limits are those of plugins/virt of TS-25.10.6. One thing differs: the image is one of two in
Incus' own store, and has the properties of the requested image.
"""

from __future__ import annotations

import typing as t

from tests.simulator.engines.incus import setup
from tests.simulator.instance import DIRECT_ID, MIB

if t.TYPE_CHECKING:
    from tests.simulator.engines.incus.agent import Agent
    from tests.simulator.images import Image
    from tests.simulator.instance import Instance

Row = dict[str, t.Any]
Progress = t.Callable[[int, str], None]

CREATE_SECONDS, SECONDS = 900, 300
"""How long the middleware waits for an operation."""
ID_MAP = f"uid {DIRECT_ID} {DIRECT_ID}\ngid {DIRECT_ID} {DIRECT_ID}"
SMALL = ("Alpine",)
"""Images that are BusyBox here."""


class Operations:
    """Methods raise `IncusError` with Incus' text, and CallError `Timed out`."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    async def create(self, instance: Instance, image: Image, progress: Progress) -> None:
        alias = "busybox" if image.os in SMALL else "debian"
        await setup.ensure_image(self._agent, alias)
        body = {
            "name": instance.name,
            "ephemeral": False,
            "type": "container",
            "profiles": ["default"],
            "source": {"type": "image", "alias": alias},
            "config": config_of(instance),
            "devices": {
                "root": {"path": "/", "pool": instance.storage_pool, "type": "disk"},
                **instance.devices,
            },
            "start": False,
        }
        progress(0, "Unpacking image: 80%")
        await self._agent.wait("POST", "1.0/instances", body, timeout=CREATE_SECONDS)
        described = {f"image.{key}": value for key, value in image.description().items() if isinstance(value, str)}
        await self._agent.wait("PATCH", f"1.0/instances/{instance.name}", {"config": described}, timeout=SECONDS)

    async def get(self, name: str) -> Row:
        return t.cast(Row, (await self._agent.incus("GET", f"1.0/instances/{name}"))["metadata"])

    async def put(self, name: str, record: Row) -> None:
        """A full replacement, as every change of the middleware is."""
        await self._agent.wait("PUT", f"1.0/instances/{name}", record, timeout=SECONDS)

    async def set_id_map(self, name: str) -> None:
        """What the middleware does before each start: write the map of ids, although it is there."""
        record = await self.get(name)
        record["config"]["raw.idmap"] = ID_MAP
        await self.put(name, record)

    async def start(self, name: str) -> None:
        await self._state(name, {"action": "start"})

    async def stop(self, name: str, *, timeout: int = -1, force: bool = False) -> None:
        await self._state(name, {"action": "stop", "timeout": timeout, "force": force})

    async def delete(self, name: str) -> None:
        await self._agent.wait("DELETE", f"1.0/instances/{name}", timeout=SECONDS)

    async def _state(self, name: str, body: Row) -> None:
        await self._agent.wait("PUT", f"1.0/instances/{name}/state", body, timeout=SECONDS)


def config_of(instance: Instance) -> dict[str, str]:
    config = {f"environment.{key}": value for key, value in instance.environment.items()}
    config |= {"boot.autostart": "false", "user.autostart": str(instance.autostart).lower()}
    config |= {"security.privileged": str(instance.privileged).lower()}
    if instance.cpu is not None:
        config["limits.cpu"] = instance.cpu
    if instance.memory is not None:
        config["limits.memory"] = f"{instance.memory // MIB}MiB"
    if not instance.privileged:
        config["raw.idmap"] = ID_MAP
    return config
