# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container of 25.04 and 25.10, as a row of `virt.instance` and as the JSON of Incus."""

from __future__ import annotations

import asyncio
import json
import typing as t
import uuid
import zlib
from dataclasses import dataclass, field

from tests.simulator.container import CARD, Container
from tests.simulator.layout import INCUS

if t.TYPE_CHECKING:
    from tests.simulator.images import Image
    from tests.simulator.releases import Release
    from tests.simulator.world import World

Device = dict[str, t.Any]

MIB = 1024 * 1024
HOST_ID = 2_147_000_001
"""Where a container's uid 0 is on the host: the same for every container."""
DIRECT_ID = 568
"""The builtin user and group apps are mapped to themselves, which cuts the first range of the map short."""
ID_MAP = {"hostid": HOST_ID, "maprange": DIRECT_ID, "nsid": 0}

STATUS_CODES = {"RUNNING": 103, "STOPPED": 102, "FROZEN": 110, "ERROR": 112}


@dataclass
class Instance(Container):
    """One of Incus'."""

    layout = INCUS
    networks = "10.154.81.1/24", "fd42:2c5c:5bbd:8b2e::1/64"

    devices: dict[str, Device] = field(default_factory=dict)
    """Its own devices as Incus keeps them, by name; the profile's eth0 is not among them."""
    privileged: bool = False
    config: dict[str, str] = field(default_factory=dict)
    """Incus config keys beyond those made from the fields above."""
    started_once: bool = False
    """The id map exists from the first start on, and so does lxc.log."""
    apply_template: str | None = None
    """On what occasion the templates of the image are to be applied at the next start."""
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    shows: str | None = None
    """The status it shows for a moment instead of the one it has."""
    going_down: asyncio.Task[None] | None = None
    """The rest of a stop whose job timed out."""

    @classmethod
    def new(cls, world: World, name: str, image: Image, pool: str) -> t.Self:
        return cls(name, image.description(), pool, base_image=image.fingerprint)

    def shown(self, world: World) -> dict[str, t.Any]:
        return self.row(world.release)

    def show_made(self, world: World) -> None:
        from tests.simulator import incus_record

        incus_record.from_image(world, self)

    def show_started(self, world: World) -> None:
        self.started_once = True
        self.shows = None

    def set_memory(self, memory: int | None) -> None:
        """Incus receives whole MiB."""
        self.memory = memory // MIB * MIB if memory else None

    def row(self, release: Release, raw: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """The entry of virt.instance.query, in the order of the model."""
        privileged_mode = {"privileged_mode": self.privileged} if release.privileged_mode else {}
        return {
            "id": self.name,
            "name": self.name,
            "type": "CONTAINER",
            "status": self.shows or self.status,
            "cpu": self.cpu,
            "memory": self.memory,
            "autostart": self.autostart,
            "environment": dict(self.environment),
            # All global addresses of the guest, one interface after the other, and not which is whose.
            "aliases": [dict(alias) for aliases in self.interfaces.values() for alias in aliases],
            "image": dict(self.image),
            "userns_idmap": self.id_map(),
            "raw": raw,
            "vnc_enabled": False,
            "vnc_port": None,
            "vnc_password": None,
            "secure_boot": None,
            **privileged_mode,
            "root_disk_size": None,
            "root_disk_io_bus": None,
            "storage_pool": self.storage_pool,
        }

    def id_map(self) -> dict[str, t.Any] | None:
        if not self.started_once:
            return None
        return {"uid": None, "gid": None} if self.has_null_id_map else {"uid": dict(ID_MAP), "gid": dict(ID_MAP)}

    @property
    def has_null_id_map(self) -> bool:
        return self.started_once and self.privileged

    @property
    def mac(self) -> str:
        """The address Incus made up for eth0, where nothing else is said: the same for the same name."""
        if mac := self.config.get("volatile.eth0.hwaddr"):
            return mac
        return made_up_mac(self.name)

    def incus_config(self) -> dict[str, str]:
        config = {f"environment.{key}": value for key, value in self.environment.items()}
        config |= {"boot.autostart": "false", "user.autostart": str(self.autostart).lower()}
        config |= {f"image.{key}": value for key, value in self.image.items() if isinstance(value, str)}
        config |= {"volatile.base_image": self.base_image, "volatile.eth0.hwaddr": self.mac, "volatile.uuid": self.uuid}
        if self.apply_template is not None:
            config["volatile.apply_template"] = self.apply_template
        config["security.privileged"] = str(self.privileged).lower()
        if self.cpu is not None:
            config["limits.cpu"] = self.cpu
        if self.memory is not None:
            config["limits.memory"] = f"{self.memory // MIB}MiB"
        if not self.privileged:
            config["raw.idmap"] = f"uid {DIRECT_ID} {DIRECT_ID}\ngid {DIRECT_ID} {DIRECT_ID}"
        if self.started_once:
            config["volatile.last_state.power"] = self.status
            # the kernel maps the ids of the mount, so the files themselves are not shifted
            config["volatile.last_state.idmap"] = "[]"
            config["volatile.idmap.current"] = json.dumps([] if self.privileged else self.incus_id_map())
        return config | self.config

    @staticmethod
    def incus_id_map() -> list[dict[str, t.Any]]:
        entry = {"Hostid": HOST_ID, "Maprange": DIRECT_ID, "Nsid": 0}
        return [{"Isuid": True, "Isgid": False, **entry}, {"Isuid": False, "Isgid": True, **entry}]

    def raw(self, profile: dict[str, Device]) -> dict[str, t.Any]:
        """Incus' InstanceFull."""
        config = self.incus_config()
        root: Device = {"path": "/", "pool": self.storage_pool, "type": "disk"}
        devices = {"root": root, **self.devices}
        code = STATUS_CODES.get(self.status, 0)
        when = self.created.isoformat()
        return {
            "architecture": "x86_64",
            "config": config,
            "devices": devices,
            "ephemeral": False,
            "profiles": ["default"],
            "stateful": False,
            "description": "",
            "created_at": when,
            "expanded_config": dict(config),
            "expanded_devices": {**profile, **devices},
            "name": self.name,
            "status": self.status.capitalize(),
            "status_code": code,
            "last_used_at": when if self.started_once else "1970-01-01T00:00:00Z",
            "location": "none",
            "type": "container",
            "project": "default",
            "backups": None,
            "state": self.incus_state(code),
            "snapshots": None,
        }

    def incus_state(self, code: int) -> dict[str, t.Any]:
        running = self.status == "RUNNING"
        return {
            "status": self.status.capitalize(),
            "status_code": code,
            "disk": {"root": {"usage": 0, "total": 0}},
            "memory": {"usage": 0, "usage_peak": 0, "total": self.memory or 0, "swap_usage": 0, "swap_usage_peak": 0},
            "network": self.incus_network() if running else None,
            "pid": 4242 if running else 0,
            "processes": 12 if running else -1,
            "cpu": {"usage": 0, "allocated_time": 0},
            "started_at": self.created.isoformat() if running else "0001-01-01T00:00:00Z",
            "os_info": None,
        }

    def incus_network(self) -> dict[str, t.Any]:
        found = {
            name: self.incus_interface(aliases, self.mac if name == CARD else made_up_mac(f"{self.name} {name}"))
            for name, aliases in self.interfaces.items()
        }
        return {"lo": self.incus_loopback(), **found}

    def incus_interface(self, aliases: list[dict[str, t.Any]], mac: str) -> dict[str, t.Any]:
        addresses = [
            {
                "family": alias["type"].lower(),
                "address": alias["address"],
                "netmask": str(alias["netmask"]),
                "scope": "global",
            }
            for alias in aliases
        ]
        return {
            "addresses": addresses,
            "counters": {},
            "hwaddr": mac,
            "host_name": f"veth{zlib.crc32(self.name.encode()):08x}" if mac == self.mac else "",
            "mtu": 1500,
            "state": "up",
            "type": "broadcast",
        }

    @staticmethod
    def incus_loopback() -> dict[str, t.Any]:
        address = {"family": "inet", "address": "127.0.0.1", "netmask": "8", "scope": "local"}
        return {
            "addresses": [address],
            "counters": {},
            "hwaddr": "",
            "host_name": "",
            "mtu": 65536,
            "state": "up",
            "type": "loopback",
        }


def made_up_mac(text: str) -> str:
    """The same for the same text."""
    digits = f"{zlib.crc32(text.encode()):08x}"
    return f"00:16:3e:{digits[:2]}:{digits[2:4]}:{digits[4:6]}"
