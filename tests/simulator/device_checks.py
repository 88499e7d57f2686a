# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices that the middleware rejects, with its error messages.

Follows middleware plugins/virt/instance_device.py.
"""

from __future__ import annotations

import errno as errnos
import typing as t

from tests.simulator.errors import CallError, Triple
from tests.simulator.virt_devices import CDROM_PREFIX

if t.TYPE_CHECKING:
    from tests.simulator.instance import Device, Instance
    from tests.simulator.world import World


class Check:
    """Collects what is wrong with devices; `schema` is the attribute most of it is reported at."""

    def __init__(self, world: World, schema: str) -> None:
        self.world = world
        self.schema = schema
        self.wrong: list[Triple] = []

    def add(self, text: str, suffix: str = "") -> None:
        self.wrong.append((f"{self.schema}{suffix}", text, errnos.EINVAL))

    def device(self, device: t.Mapping[str, t.Any], instance: Instance | None, old: Device | None = None) -> None:
        """Raises CallError where the middleware does not collect."""
        checks = {"DISK": self.disk, "NIC": self.nic}
        if device["dev_type"] == "PROXY":
            if old is None or old.get("source_port") != device["source_port"]:
                self.proxy(device, instance)
        elif device["dev_type"] in checks:
            checks[device["dev_type"]](device)
        elif device["dev_type"] == "PCI":
            self.add("PCI passthrough is only supported for vms")
        elif device["dev_type"] == "CDROM":
            self.add("CDROM device is only supported for VMs")

    def name(self, device: t.Mapping[str, t.Any]) -> None:
        """Since 25.10: CD-ROMs and only they have a prefix of their own."""
        if not self.world.release.cdrom_devices or device["name"] is None:
            return
        has_prefix = device["name"].startswith(CDROM_PREFIX)
        if device["dev_type"] == "CDROM" and not has_prefix:
            self.add("CDROM device name must start with 'ix_cdrom' prefix", ".name")
        elif device["dev_type"] != "CDROM" and has_prefix:
            self.add("Device name must not start with 'ix_cdrom' prefix", ".name")

    def disk(self, device: t.Mapping[str, t.Any]) -> None:
        source, destination = device["source"], device["destination"]
        if source is None:
            self.add("Source is required.")
        elif source.startswith("/dev/zvol/"):
            self.add("ZVOL are not allowed for containers")
        elif not source.startswith("/"):
            self.add("Source must be a filesystem path for CONTAINER")
        else:
            self.disk_source(source)
            if destination is None:
                self.add("Destination is required for filesystem paths.")
            elif destination == "/":
                self.add("Destination cannot be /")
            elif not destination.startswith("/"):
                self.add("Destination must be an absolute path.")
        if device["boot_priority"] is not None:
            self.add("Boot priority is not valid for filesystem paths.")
        if device["io_bus"] is not None:
            self.add("IO bus is only available for VMs", ".io_bus")

    def disk_source(self, source: str) -> None:
        path = self.world.files.physical_shadow(source)
        pool = source.split("/")[2] if source.count("/") >= 2 else ""
        dataset = source.removeprefix("/mnt/")
        if not path.exists():
            self.add("Source path does not exist.")
        elif pool not in self.world.pools:
            self.add("The path must reside within a pool mount point")
        elif not path.is_dir():
            self.add("The path must be a directory")
        elif not self.world.storage.zfs.exists(dataset):
            self.add("Source must be a dataset mountpoint.")

    def nic(self, device: t.Mapping[str, t.Any]) -> None:
        if self.world.network.has_pending_changes:
            raise CallError("There are pending network changes, please resolve before proceeding.")
        bridges = [each.name for each in self.world.listed_interfaces if each.type == "BRIDGE"]
        if device["nic_type"] == "BRIDGED" and device["parent"] not in bridges:
            self.add("Invalid parent interface")

    def proxy(self, device: t.Mapping[str, t.Any], instance: Instance | None) -> None:
        port = device["source_port"]
        user = self.world.ports_in_use.get(port)
        for other in self.world.instances.values():
            if other is instance:
                continue
            ports = [each["listen"].rpartition(":")[2] for each in other.devices.values() if each["type"] == "proxy"]
            if str(port) in ports:
                user = f"Virtual Instance ({other.name})"
        if user is not None:
            self.add(f'The port is being used by following services:\n1) "0.0.0.0:{port}" used by {user}')

    def each_other(self, devices: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Find devices of one create that conflict; checked only if each device is valid."""
        disks = [device["source"] for device in devices if device["dev_type"] == "DISK"]
        proxies = [device for device in devices if device["dev_type"] == "PROXY"]
        for _again in repeated((each["source_proto"], each["source_port"]) for each in proxies):
            self.add("Source proto/port already in use.", ".source_port")
        for _again in repeated((each["dest_proto"], each["dest_port"]) for each in proxies):
            self.add("Destination proto/port already in use.", ".dest_port")
        for _again in repeated(disks):
            self.add("Source already in use by another device.", ".source")


def repeated(values: t.Iterable[t.Any]) -> list[t.Any]:
    """Every value but the first of its kind."""
    listed = list(values)
    return [value for index, value in enumerate(listed) if value in listed[:index]]
