# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert devices between the API and Incus.

Follows middleware plugins/virt/instance_device.py.
"""

from __future__ import annotations

import typing as t

from tests.simulator.errors import CallError, GenericError
from tests.simulator.instance import Device

if t.TYPE_CHECKING:
    from tests.simulator.releases import Release

CDROM_PREFIX = "ix_cdrom"
NAME_PREFIXES = {"NIC": "eth", "CDROM": CDROM_PREFIX}
CONTAINER_TPM = {"path": "/dev/tpm0", "pathrm": "/dev/tpmrm0"}


def free_name(taken: t.Container[str], dev_type: str) -> str:
    """The first of `eth0`, `eth1` and so on that is free: free among the container's own devices, so eth0 first."""
    prefix = NAME_PREFIXES.get(dev_type, dev_type.lower())
    return next(name for number in range(1000) if (name := f"{prefix}{number}") not in taken)


# from the API to Incus


def to_incus(device: t.Mapping[str, t.Any]) -> Device:
    """Raises GenericError where the middleware trips over its own feet."""
    made = MAKERS[device["dev_type"]](device)
    return {key: value for key, value in made.items() if value is not None}


def disk_to_incus(device: t.Mapping[str, t.Any]) -> Device:
    priority = device["boot_priority"]
    bus = device["io_bus"]
    return {
        "type": "disk",
        "source": device["source"],
        "path": device["destination"],
        "boot.priority": None if priority is None else str(priority),
        "io.bus": bus.lower() if bus else None,
    }


def nic_to_incus(device: t.Mapping[str, t.Any]) -> Device:
    if device["nic_type"] is None:
        raise GenericError("'NoneType' object has no attribute 'lower'", "AttributeError")
    return {
        "type": "nic",
        "network": device["network"],
        "nictype": device["nic_type"].lower(),
        "parent": device["parent"],
        "hwaddr": device.get("mac"),
    }


def proxy_to_incus(device: t.Mapping[str, t.Any]) -> Device:
    return {
        "type": "proxy",
        "bind": "host",
        "listen": f"{device['source_proto'].lower()}:0.0.0.0:{device['source_port']}",
        "connect": f"{device['dest_proto'].lower()}:0.0.0.0:{device['dest_port']}",
    }


def usb_to_incus(device: t.Mapping[str, t.Any]) -> Device:
    numbers = {"busnum": device["bus"], "devnum": device["dev"]}
    texts = {"productid": device["product_id"], "vendorid": device["vendor_id"]}
    return {"type": "usb", **{key: None if value is None else str(value) for key, value in numbers.items()}, **texts}


def tpm_to_incus(device: t.Mapping[str, t.Any]) -> Device:
    return {"type": "tpm", **{key: device[key] or usual for key, usual in CONTAINER_TPM.items()}}


def gpu_to_incus(device: t.Mapping[str, t.Any]) -> Device:
    if device["gpu_type"] == "MIG" and not device["mig_uuid"]:
        raise CallError("UUID is required for MIG")
    return {
        "type": "gpu",
        "gputype": device["gpu_type"].lower(),
        "pci": device["pci"],
        "mig.uuid": device["mig_uuid"],
    }


def pci_to_incus(device: t.Mapping[str, t.Any]) -> Device:
    return {"type": "pci", "address": device["address"]}


MAKERS: dict[str, t.Callable[[t.Mapping[str, t.Any]], Device]] = {
    "DISK": disk_to_incus,
    "NIC": nic_to_incus,
    "PROXY": proxy_to_incus,
    "USB": usb_to_incus,
    "TPM": tpm_to_incus,
    "GPU": gpu_to_incus,
    "PCI": pci_to_incus,
}


# from Incus to the API


def row(name: str, device: Device, release: Release, *, from_profile: bool = False) -> Device | None:
    """The entry of device_list; None for what the API has no word for."""
    shown = SHOWN.get(device["type"])
    details = shown(device, release) if shown else None
    if details is None:
        return None
    description = details.pop("description")
    dev_type = details.pop("dev_type")
    return {"name": name, "description": description, "readonly": from_profile, "dev_type": dev_type, **details}


def shown_disk(device: Device, release: Release) -> Device:
    priority = device.get("boot.priority")
    bus = device.get("io.bus")
    return {
        "dev_type": "DISK",
        "description": f"{device.get('source')} -> {device.get('path')}",
        "source": device.get("source"),
        "destination": device.get("path"),
        "boot_priority": int(priority) if priority else None,
        "io_bus": bus.upper() if bus else None,
        "storage_pool": device.get("pool"),
    }


def shown_nic(device: Device, release: Release) -> Device:
    managed = "network" in device
    return {
        "dev_type": "NIC",
        "description": device.get("network"),
        "network": device.get("network"),
        "nic_type": None if managed else device["nictype"].upper(),
        "parent": None if managed else device.get("parent"),
        **({"mac": device.get("hwaddr")} if release.nic_mac else {}),
    }


def shown_proxy(device: Device, release: Release) -> Device:
    source, _address, source_port = device["listen"].split(":")
    dest, _address, dest_port = device["connect"].split(":")
    return {
        "dev_type": "PROXY",
        "description": f"{source.upper()}/{source_port} -> {dest.upper()}/{dest_port}",
        "source_proto": source.upper(),
        "source_port": int(source_port),
        "dest_proto": dest.upper(),
        "dest_port": int(dest_port),
    }


def shown_usb(device: Device, release: Release) -> Device:
    numbers = {"bus": device.get("busnum"), "dev": device.get("devnum")}
    return {
        "dev_type": "USB",
        "description": "Unknown",
        **{key: None if value is None else int(value) for key, value in numbers.items()},
        "product_id": device.get("productid"),
        "vendor_id": device.get("vendorid"),
    }


def shown_tpm(device: Device, release: Release) -> Device:
    return {"dev_type": "TPM", "description": "TPM", "path": device.get("path"), "pathrm": device.get("pathrm")}


def shown_gpu(device: Device, release: Release) -> Device | None:
    if device["gputype"] in ("mdev", "mig"):
        return None
    unused = dict.fromkeys(("id", "gid", "uid", "mode", "mdev", "mig_uuid", "productid", "vendorid"))
    gpu_type = device["gputype"].upper()
    return {"dev_type": "GPU", "description": "Unknown", "gpu_type": gpu_type, "pci": device.get("pci"), **unused}


SHOWN: dict[str, t.Callable[[Device, t.Any], Device | None]] = {
    "disk": shown_disk,
    "nic": shown_nic,
    "proxy": shown_proxy,
    "usb": shown_usb,
    "tpm": shown_tpm,
    "gpu": shown_gpu,
}
