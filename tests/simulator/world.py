# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the simulated NAS, which tests set up and check."""

from __future__ import annotations

import asyncio
import itertools
import threading
import typing as t
from dataclasses import dataclass
from pathlib import Path

from tests.simulator import images, lan
from tests.simulator.host_files import HostFiles
from tests.simulator.kernel_tables import KernelTables
from tests.simulator.network_changes import NetworkChanges
from tests.simulator.storage import Storage
from tests.simulator.zfs import Snapshot

if t.TYPE_CHECKING:
    from tests.simulator.container import Container
    from tests.simulator.cron_job import CronJob
    from tests.simulator.domain import Domain
    from tests.simulator.engines.base import Engine
    from tests.simulator.instance import Device, Instance
    from tests.simulator.lan import Interface
    from tests.simulator.registry import Handler
    from tests.simulator.releases import Release
    from tests.simulator.volume import Volume

GIB = 1024**3
SEED_MEMORY = 2 * GIB
INITIALIZED, INITIALIZING, NO_POOL, LOCKED, ERROR = "INITIALIZED", "INITIALIZING", "NO_POOL", "LOCKED", "ERROR"


class Faults(t.Protocol):
    """What shall go wrong next."""

    def take(self, name: str, method: str | None = None) -> t.Any:
        """Something true when the fault strikes now, which uses it up."""


class NoFaults:
    def take(self, name: str, method: str | None = None) -> t.Any:
        return None


@dataclass
class WorldOptions:
    """How long things take, in seconds, and what is there at the start."""

    state_dir: Path
    create_seconds: float = 0.0
    start_seconds: float = 0.0
    stop_seconds: float = 0.0
    unknown_seconds: float = 0.0
    """How long after a stop Incus shows no status."""
    busy_seconds: float = 0.0
    """How long Incus holds on to a stop that timed out."""
    snapshot_seconds: float = 0.0
    address_seconds: float = 0.02
    """From the end of a start until the container shows addresses."""
    seed_pixels: int = 0
    clock_ahead: float = 0.0
    """Seconds that the clock of the NAS is ahead of that of this machine."""
    operation_limit: float = 300.0
    """How long the middleware waits for Incus; creating has a limit of its own."""
    create_limit: float = 900.0


@dataclass
class Pool:
    """A ZFS pool that is imported; whether containers may use it is in `World.storage_pools`."""

    name: str
    locked: bool = False
    size: int = 4000 * GIB


class World:
    """Everything a client can find out or change; made in any thread, opened in the simulator's event loop."""

    def __init__(self, release: Release, options: WorldOptions, engine: Engine) -> None:
        self.release = release
        self.options = options
        self.engine = engine
        self.faults: Faults = NoFaults()
        self.containers: dict[str, Container] = {}
        self.container_ids, self.device_ids = itertools.count(1), itertools.count(1)
        """The next ones of TrueNAS 26, where no number comes back."""
        self.cron_jobs: dict[int, CronJob] = {}
        self.volumes: list[Volume] = []
        self.users = {"root", "truenas_admin"}

        self.pools = {name: Pool(name) for name in ("tank", "fast")}
        self.default_pool: str | None = "tank"
        """The default pool of containers, which lxc.config calls the preferred pool."""
        self.storage_pools = ["tank"]
        """Those that Incus may use; TrueNAS 26 uses any, and prepares it as it first does."""
        self.known_pools = {"tank"}
        """Those of them whose containers Incus knows."""
        self.bridge: str | None = None
        """Of the NAS's own ones; None is one that is made for containers."""
        self.v4_network: str | None = release.container.networks[0]
        self.v6_network: str | None = release.container.networks[1]
        self.state = INITIALIZED
        """What virt.global.config says."""

        self.interfaces: dict[str, Interface] = lan.default()
        self.default_routes = ["192.168.1.1"]
        self.nameservers = ["192.168.1.1"]
        self.network = NetworkChanges(self)
        """Pending changes of the interfaces, and sysctls of them."""
        self.cores = 16
        self.memory_bytes = 64 * GIB
        self.gpus: dict[str, str] = {}
        """Vendors of the GPUs that containers can use, by PCI address, such as `0000:01:00.0`."""
        self.ports_in_use: dict[int, str] = {22: "SSH Service", 80: "WebUI Service", 443: "WebUI Service"}
        """Ports of the NAS itself, with what uses them."""

        self.storage = Storage(engine, release.layout, lambda: options.snapshot_seconds)
        self.files = HostFiles(options.state_dir, engine, release.layout, self.is_mounted)
        self.files.mounts = self.storage.mounts
        self.files.has_dataset = self.storage.zfs.exists
        self.files.beside = lambda dataset: self.storage.zfs.datasets[dataset].beside
        self.files.mounted_below = self.mounted_below
        self.files.kernel_file = KernelTables(self.containers).file
        self.tasks: set[asyncio.Task[t.Any]] = set()
        """Operations on containers that the middleware may have stopped waiting for."""
        self.domain_manager = asyncio.Lock()
        """TrueNAS 26 starts one container at a time."""
        self.loop: asyncio.AbstractEventLoop | None = None
        self._thread: int | None = None

    async def open(self) -> None:
        """Create the directories and the containers that exist at the start."""
        self.loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self.files.prepare(self.pools)
        for pool in self.pools:
            self.storage.zfs.add(pool)
        for pool in self.storage_pools:
            self.storage.add_pool(pool)
        for number in range(1, self.options.seed_pixels + 1):
            await self.seed(f"px-seed-{number:04}")

    # what an engine with real containers does in another manner

    handlers: t.Mapping[str, Handler] = {}
    """Methods that are not the simulator's own here, by name."""

    async def look(self, method: str) -> None:
        """Bring what a method is about up to date, before it is called."""

    async def forget_incus(self) -> None:
        """Lose Incus' database, as an upgrade of the NAS does."""
        from tests.simulator import incus_record

        await incus_record.forget(self)

    async def remove_files(self) -> None:
        """Remove all that the engine keeps."""
        for files in self.storage.all_files():
            await self.engine.delete(files)

    # what is there

    @property
    def snapshots(self) -> dict[str, Snapshot]:
        """By id: `tank/.ix-virt/containers/px-web@base`."""
        return self.storage.zfs.snapshots

    @property
    def instances(self) -> dict[str, Instance]:
        """The containers, on a release whose containers are Incus'."""
        return t.cast("dict[str, Instance]", self.containers)

    @property
    def domains(self) -> dict[str, Domain]:
        """The containers, on a release whose containers are libvirt's."""
        return t.cast("dict[str, Domain]", self.containers)

    @property
    def listed_interfaces(self) -> list[Interface]:
        """The interfaces that interface.query lists."""
        return [each for each in self.interfaces.values() if each.configured or not each.cloned]

    def has_interface(self, name: str) -> bool:
        """Whether the kernel has it."""
        return name in self.interfaces and self.interfaces[name].made

    @property
    def profile(self) -> dict[str, Device]:
        """The devices of Incus' default profile: the one NIC that TrueNAS puts there."""
        if self.bridge is None:
            return {"eth0": {"name": "eth0", "network": "incusbr0", "type": "nic"}}
        return {"eth0": {"name": "eth0", "type": "nic", "nictype": "bridged", "parent": self.bridge}}

    def is_mounted(self, pool: str, container: str) -> bool:
        """Incus mounts a container's dataset only while it runs."""
        layout = self.release.layout
        if layout.always_mounted:
            return self.storage.zfs.exists(layout.dataset(pool, container))
        found = self.containers.get(container)
        return found is not None and found.storage_pool == pool and found.status == "RUNNING"

    def mounted_below(self, path: str) -> list[str]:
        """Return the containers that are mounted in a directory of the NAS."""
        layout = self.release.layout
        names = [layout.container_of(dataset) for dataset in self.storage.zfs.datasets] if layout.always_mounted else []
        places = {name: [layout.mount(pool, name).path for pool in self.pools] for name in names if name}
        return [name for name, paths in places.items() if f"{path}/{name}" in paths]

    def add(self, container: Container) -> None:
        """Make a container known: its row, its dataset as a clone of the image's, its mount point."""
        self.containers[container.name] = container
        origin = self.storage.add_image(container.storage_pool, container.base_image)
        self.storage.zfs.add(container.dataset, origin=origin)
        self.files.prepare_container(container.layout.mount(container.storage_pool, container.name))
        container.show_made(self)

    def show_started(self, container: Container) -> None:
        """The engine has started it. DHCP takes its time: it shows no address yet."""
        container.starts += 1
        container.status = "RUNNING"
        container.show_started(self)
        self.network.attach(container)
        start = container.starts

        def show() -> None:
            if container.starts == start and container.status == "RUNNING":
                self.show_addresses(container)

        asyncio.get_running_loop().call_later(self.options.address_seconds, show)

    def show_addresses(self, container: Container) -> None:
        container.aliases = [
            {"type": address.family, "address": address.address, "netmask": address.netmask}
            for address in self.engine.addresses(container.name)
        ]

    def keep(self, task: asyncio.Task[t.Any]) -> None:
        """Keep an operation until it ends, even if no task waits for it."""
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # set it up

    async def seed(
        self,
        name: str,
        status: str = "RUNNING",
        cpu: str | None = "2",
        memory: int | None = SEED_MEMORY,
        image: str = "ubuntu/24.04",
        environment: t.Mapping[str, str] | None = None,
        autostart: bool = False,
        storage_pool: str | None = None,
    ) -> Container:
        """Add an existing container; a running one has addresses immediately."""
        found = images.find(image)
        pool = storage_pool or self.default_pool or next(iter(self.pools))
        if pool not in self.storage_pools:
            self.storage_pools.append(pool)
            self.known_pools.add(pool)
            self.storage.add_pool(pool)
        made = self.release.container.new(self, name, found, pool)
        made.cpu, made.autostart, made.environment = cpu, autostart, dict(environment or {})
        made.set_memory(memory)
        await self.engine.create(name, image)
        self.add(made)
        if status == "RUNNING":
            await self.engine.start(name, cpu=cpu, memory=made.memory, environment=made.environment)
            made.show_started(self)
            self.show_addresses(made)
        made.status = status
        return made

    def add_container(
        self,
        name: str,
        status: str = "RUNNING",
        cpu: str | None = "2",
        memory: int | None = SEED_MEMORY,
        image: str = "ubuntu/24.04",
        environment: t.Mapping[str, str] | None = None,
        autostart: bool = False,
        storage_pool: str | None = None,
    ) -> Container:
        """`seed` for the thread of a test; returns when the container is there."""
        work = self.seed(name, status, cpu, memory, image, environment, autostart, storage_pool)
        return t.cast("Container", self.run(work))

    def add_snapshot(self, container: str, label: str) -> Snapshot:
        """Take a snapshot of a container, from the thread of a test."""
        taken: list[Snapshot] = self.run(self.storage.take(self.containers[container].dataset, label))
        return taken[0]

    def run(self, work: t.Coroutine[t.Any, t.Any, t.Any]) -> t.Any:
        """Do something in the simulator's loop from another thread, and wait for it."""
        if self.loop is None or threading.get_ident() == self._thread:
            work.close()
            raise RuntimeError("call this from another thread than the simulator's, once the world is open")
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def as_json(self) -> dict[str, t.Any]:
        """All of it, for GET /world of the control address."""
        zfs = self.storage.zfs
        return {
            "release": self.release.version,
            "state": self.state,
            "default_pool": self.default_pool,
            "storage_pools": list(self.storage_pools),
            "pools": sorted(self.pools),
            "containers": {name: container.shown(self) for name, container in sorted(self.containers.items())},
            "datasets": {name: dataset.origin for name, dataset in sorted(zfs.datasets.items())},
            "snapshots": {
                id: {"createtxg": snapshot.txg, "holds": dict(snapshot.holds), "clones": zfs.clones(id)}
                for id, snapshot in sorted(self.snapshots.items())
            },
            "interfaces": {name: list(interface.live) for name, interface in self.interfaces.items()},
            "tunables": [each.row() for each in self.network.tunables],
            "cron_jobs": [job.row() for job in self.cron_jobs.values()],
            "volumes": [volume.row(self.release) for volume in self.volumes],
        }
