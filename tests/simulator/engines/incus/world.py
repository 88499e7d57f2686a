# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world of a NAS whose containers are in the virtual machine: what tests see of it is asked there each time."""

from __future__ import annotations

import asyncio
import threading
import typing as t

from tests.simulator import images
from tests.simulator.engines.incus import setup
from tests.simulator.engines.incus.files import RealFiles
from tests.simulator.engines.incus.operations import Operations
from tests.simulator.engines.incus.real_instance import RealInstance
from tests.simulator.engines.incus.storage import RealStorage
from tests.simulator.errors import CallError
from tests.simulator.world import ERROR, INITIALIZED, SEED_MEMORY, Pool, World, WorldOptions

if t.TYPE_CHECKING:
    from tests.simulator.container import Container
    from tests.simulator.engines.incus.engine import IncusEngine
    from tests.simulator.registry import Handler
    from tests.simulator.releases import Release
    from tests.simulator.zfs import Snapshot

SECONDS_TO_HAVE_ADDRESS = 900


class IncusWorld(World):
    def __init__(self, release: Release, options: WorldOptions, engine: IncusEngine) -> None:
        self._found: dict[str, Container] = {}
        self.loop = None
        super().__init__(release, options, engine)
        self.agent = engine.agent
        self.real_engine = engine
        self.operations = Operations(engine.agent)
        # Those of the simulated NAS are not in the virtual machine: containers use the bridge of Incus.
        self.interfaces = {}
        self.pools = {setup.POOL: Pool(setup.POOL)}
        self.storage = RealStorage(engine.agent, engine, release.layout)
        self.files = RealFiles(options.state_dir, engine, release.layout, self.is_mounted)
        self.files.use(engine.agent)

    async def open(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        await self.look("virt.instance.query")
        await self.look("pool.snapshot.query")
        for number in range(1, self.options.seed_pixels + 1):
            await self.seed(f"px-seed-{number:04}")

    async def look(self, method: str) -> None:
        """Ask Incus or ZFS what a method is about, before it is called."""
        if method.startswith("virt."):
            if self.state == INITIALIZED:
                found = await self.real_engine.instances()
                self._found = {name: RealInstance.of(record) for name, record in found.items()}
        elif method.startswith(("pool.", "zfs.")):
            await t.cast("RealStorage", self.storage).look()

    def _look_from_test(self, method: str) -> None:
        if self.loop is not None and threading.get_ident() != self._thread:
            self.run(self.look(method))

    # attributes of the base class, as properties

    @property
    def containers(self) -> dict[str, Container]:
        self._look_from_test("virt.instance.query")
        return self._found

    @containers.setter
    def containers(self, found: dict[str, Container]) -> None:
        self._found = found

    @property
    def snapshots(self) -> dict[str, Snapshot]:
        self._look_from_test("pool.snapshot.query")
        return self.storage.zfs.snapshots

    @property
    def handlers(self) -> t.Mapping[str, Handler]:  # type: ignore[override]
        from tests.simulator.engines.incus import methods

        return methods.HANDLERS

    def as_json(self) -> dict[str, t.Any]:
        for method in ("virt.instance.query", "pool.snapshot.query"):
            self._look_from_test(method)
        return super().as_json()

    def is_mounted(self, pool: str, container: str) -> bool:
        """ZFS says it itself where that matters."""
        return False

    # what tests set up

    async def seed(
        self,
        name: str,
        status: str = "RUNNING",
        cpu: str | None = "2",
        memory: int | None = SEED_MEMORY,
        image: str = "debian/12",
        environment: t.Mapping[str, str] | None = None,
        autostart: bool = False,
        storage_pool: str | None = None,
    ) -> Container:
        """Create a container of Incus, and wait until it has an address of IPv4."""
        made = RealInstance(name, {}, storage_pool or setup.POOL, cpu=cpu, autostart=autostart)
        made.environment = dict(environment or {})
        made.set_memory(memory)
        await self.operations.create(made, images.find(image), lambda _percent, _text: None)
        if status == "RUNNING":
            await self.operations.start(name)
            async with asyncio.timeout(SECONDS_TO_HAVE_ADDRESS):
                while not any(each["type"] == "INET" for each in self._found[name].aliases if name in self._found):
                    await asyncio.sleep(setup.SECONDS_BETWEEN_LOOKS)
                    await self.look("virt.instance.query")
        await self.look("virt.instance.query")
        return self._found[name]

    async def forget_incus(self) -> None:
        await setup.forget_incus(self.agent)

    async def remove_files(self) -> None:
        await self.real_engine.close()

    async def run_setup(self) -> None:
        try:
            await setup.set_up_incus(self.agent)
        except CallError:
            self.state = ERROR
            raise
        self.state = INITIALIZED
        await self.look("virt.instance.query")

    def add_container(self, name: str, status: str = "RUNNING", *arguments: t.Any, **settings: t.Any) -> Container:
        settings.setdefault("image", "debian/12")
        return t.cast("Container", self.run(self.seed(name, status, *arguments, **settings)))


__all__ = ["IncusWorld"]
