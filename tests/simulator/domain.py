# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container of TrueNAS 26: its row, and the state of its libvirt domain."""

from __future__ import annotations

import itertools
import random
import typing as t
import uuid
from dataclasses import dataclass, field

from tests.simulator.container import Container, Row
from tests.simulator.layout import LIBVIRT

if t.TYPE_CHECKING:
    from tests.simulator.images import Image
    from tests.simulator.world import World

EVENT = "container.query"
DEFAULT_BRIDGE = "truenasbr0"
DEFAULT_SHUTDOWN_TIMEOUT = 90
ID_MAP: Row = {"type": "DEFAULT"}
RUNNING, PAUSED, SHUTOFF = "RUNNING", "PAUSED", "SHUTOFF"
"""What libvirt calls running, suspended and stopped."""
_PIDS = itertools.count(4243, 11)


@dataclass
class DomainDevice:
    """What a container is given of the NAS; it takes effect at the next start."""

    id: int
    attributes: Row

    def row(self, container: int) -> Row:
        return {"id": self.id, "container": container, "attributes": dict(self.attributes)}


@dataclass
class Domain(Container):
    """`cpu` is its cpuset, `environment` that of its init."""

    layout = LIBVIRT
    networks = "172.200.0.0/24", "fd42:4c58:43ae::/64"

    id: int = 0
    """Of the row: never that of another container, also of one that is gone."""
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    description: str = ""
    devices: list[DomainDevice] = field(default_factory=list)
    time: str = "LOCAL"
    shutdown_timeout: int = DEFAULT_SHUTDOWN_TIMEOUT
    init: str = "/sbin/init"
    initdir: str | None = None
    inituser: str | None = None
    initgroup: str | None = None
    idmap: Row | None = field(default_factory=lambda: dict(ID_MAP))
    capabilities_policy: str = "DEFAULT"
    capabilities_state: dict[str, bool] = field(default_factory=dict)
    domain_state: str | None = None
    """What libvirt says; None before the first start."""
    forgotten: bool = False
    """The middleware's list of domains no longer contains it, although it runs."""

    @classmethod
    def new(cls, world: World, name: str, image: Image, pool: str) -> t.Self:
        made = cls(name=name, image=image.description(), storage_pool=pool, id=next(world.container_ids))
        made.base_image = f"{image.registry_name}:{image.versions[-1]}"
        return made

    def set_memory(self, memory: int | None) -> None:
        """There is no limit."""

    def shown(self, world: World) -> Row:
        return self.row(world.bridge or DEFAULT_BRIDGE)

    def row(self, bridge: str) -> Row:
        """The entry of container.query, in the order of the model; `bridge` is where a container without NICs is."""
        has_nic = any(device.attributes["dtype"] == "NIC" for device in self.devices)
        return {
            "id": self.id,
            "uuid": self.uuid,
            "name": self.name,
            "description": self.description,
            "devices": [device.row(self.id) for device in self.devices],
            "cpuset": self.cpu,
            "autostart": self.autostart,
            "time": self.time,
            "shutdown_timeout": self.shutdown_timeout,
            "dataset": self.dataset,
            "init": self.init,
            "initdir": self.initdir,
            "initenv": dict(self.environment),
            "inituser": self.inituser,
            "initgroup": self.initgroup,
            "idmap": None if self.idmap is None else dict(self.idmap),
            "capabilities_policy": self.capabilities_policy,
            "capabilities_state": dict(self.capabilities_state),
            "default_network": None if has_nic else bridge,
            "status": {"state": self.status, "pid": self.pid, "domain_state": self.domain_state},
        }

    def show_made(self, world: World) -> None:
        """The NAS keeps nothing beside its files."""

    def show_started(self, world: World) -> None:
        self.pid = next(_PIDS)
        self.domain_state = RUNNING
        self.forgotten = False

    def show_suspended(self) -> None:
        """What only a shell on the NAS can do (`virsh suspend`): its processes are there, and do not go on."""
        self.status, self.domain_state = "SUSPENDED", PAUSED

    def show_stopped(self) -> None:
        """After a stop or a kill, of which libvirt makes no difference."""
        self.status, self.pid, self.domain_state, self.aliases = "STOPPED", None, SHUTOFF, []


def new_mac() -> str:
    """What the middleware gives a NIC that has none."""
    return "00:a0:98:" + ":".join(f"{number:02x}" for number in (random.randrange(0x80), *random.randbytes(2)))
