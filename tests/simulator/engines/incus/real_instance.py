# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container of real Incus: its row is made of what Incus says (middleware plugins/virt/instance.py)."""

from __future__ import annotations

import datetime
import json
import re
import typing as t
from dataclasses import dataclass, field

from tests.simulator.instance import MIB, Instance

Row = dict[str, t.Any]

IMAGE_KEYS = ("architecture", "description", "os", "release", "serial", "type", "variant")
UNITS = {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": MIB, "GiB": 2**30, "TiB": 2**40}


@dataclass
class RealInstance(Instance):
    """Made again from each reply of Incus."""

    record: Row = field(default_factory=dict)
    """What Incus says of it: `InstanceFull`."""

    @classmethod
    def of(cls, record: Row) -> RealInstance:
        config: dict[str, str] = record["config"]
        image: Row = {key: config.get(f"image.{key}") for key in IMAGE_KEYS}
        root = record["expanded_devices"].get("root") or {}
        made = cls(
            record["name"],
            {**image, "secureboot": None},
            str(root.get("pool")),
            status=status_of(record),
            cpu=config.get("limits.cpu"),
            memory=memory_of(config.get("limits.memory")),
            environment={
                key.removeprefix("environment."): value
                for key, value in config.items()
                if key.startswith("environment.")
            },
            autostart=(config.get("user.autostart") or config.get("boot.autostart")) == "true",
            base_image=config.get("volatile.base_image", ""),
            devices={name: device for name, device in record["devices"].items() if name != "root"},
            privileged=config.get("security.privileged") == "true",
            started_once="volatile.idmap.current" in config,
            apply_template=config.get("volatile.apply_template"),
            uuid=config.get("volatile.uuid", ""),
            record=record,
        )
        made.aliases = made.interface_addresses("eth0")
        networks = (record.get("state") or {}).get("network") or {}
        made.bridges = {name: made.interface_addresses(name) for name in networks if name not in ("eth0", "lo")}
        made.created = datetime.datetime.fromisoformat(record["created_at"])
        return made

    def interface_addresses(self, name: str) -> list[Row]:
        network = ((self.record.get("state") or {}).get("network") or {}).get(name) or {}
        return [
            {"type": each["family"].upper(), "address": each["address"], "netmask": int(each["netmask"])}
            for each in network.get("addresses") or []
            if each["scope"] == "global"
        ]

    def row(self, release: t.Any, raw: Row | None = None) -> Row:
        """All global addresses in the order of Incus."""
        networks = (self.record.get("state") or {}).get("network") or {}
        aliases = [address for name in networks for address in self.interface_addresses(name)]
        return {**super().row(release, raw), "aliases": aliases}

    def id_map(self) -> Row | None:
        text = self.record["config"].get("volatile.idmap.current")
        if text is None:
            return None
        entries = json.loads(text)
        found: Row = {"uid": None, "gid": None}
        for key, flag in (("uid", "Isuid"), ("gid", "Isgid")):
            for entry in entries:
                if entry[flag] and found[key] is None:
                    found[key] = {
                        "hostid": entry["Hostid"],
                        "maprange": entry["Maprange"],
                        "nsid": entry["Nsid"],
                    }
        return found

    def raw(self, profile: t.Mapping[str, t.Any]) -> Row:
        return self.record


def status_of(record: Row) -> str:
    """UNKNOWN where Incus gives no state (plugins/virt/instance.py)."""
    state = record.get("state")
    return "UNKNOWN" if state is None else str(state["status"]).upper() or "UNKNOWN"


def memory_of(text: str | None) -> int | None:
    found = re.fullmatch(r"(\d+)([A-Za-z]*)", text or "")
    return int(found[1]) * UNITS[found[2]] if found else None
