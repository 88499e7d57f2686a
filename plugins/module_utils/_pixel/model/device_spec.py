# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the devices that a user specifies, as dictionaries or as text of the command line."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import (
    DISK,
    GPU,
    NIC,
    PROXY,
    TYPES,
    USB,
    Device,
)

REQUIRED = {
    DISK: ("source", "path"),
    PROXY: ("listen_port", "connect_port"),
    GPU: ("pci",),
    USB: ("vendor", "product"),
    NIC: ("segment",),
}
OPTIONAL = {PROXY: ("protocol",)}

PROTOCOLS = ("tcp", "udp")
MAX_PORT = 65535
PCI = re.compile(r"(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
USB_ID = re.compile(r"(?:0x)?[0-9a-f]{4}")
DATASET = re.compile(r"[A-Za-z0-9][\w.: -]*(/[\w.:-][\w.: -]*)*", re.ASCII)


def parse(entries: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[Device, ...]:
    """Return the devices that dictionaries describe. Raises `Invalid`."""
    found: list[Device] = []
    for entry in entries:
        device = parse_entry({name: value for name, value in entry.items() if value is not None})
        if any(device.key == other.key for other in found):
            raise invalid(str(device), "it is listed more than once")
        found.append(device)
    return tuple(found)


def parse_text(text: str) -> dict[str, t.Any]:
    """Return the dictionary that `TYPE,NAME=VALUE,...` means. Raises `Invalid`."""
    kind, *fields = text.split(",")
    entry: dict[str, t.Any] = {"type": kind}
    for each in fields:
        name, equals, value = each.partition("=")
        if not equals or name == "type" or name in entry:
            raise invalid(text, "use a form such as disk,source=tank/data,path=/data")
        entry[name] = int(value) if name.endswith("_port") and value.isascii() and value.isdigit() else value
    return entry


def parse_entry(entry: t.Mapping[str, t.Any]) -> Device:
    """Return the device that a dictionary describes. Raises `Invalid`."""
    kind = entry.get("type")
    if kind not in TYPES:
        raise invalid(str(kind), f"the type is one of {', '.join(TYPES)}")
    required, allowed = REQUIRED[kind], {"type", *REQUIRED[kind], *OPTIONAL.get(kind, ())}
    for name in required:
        if name not in entry:
            raise invalid(kind, f"{name} is missing")
    for name in entry.keys() - allowed:
        raise invalid(kind, f"{name} is not an option of this type")
    if kind == DISK:
        return Device(DISK, source=source(entry["source"]), path=directory(entry["path"], "path"))
    if kind == PROXY:
        protocol = entry.get("protocol", PROTOCOLS[0])
        if protocol not in PROTOCOLS:
            raise invalid(kind, f"protocol is one of {', '.join(PROTOCOLS)}")
        listen, connect = (port(entry[name], name) for name in required)
        return Device(PROXY, protocol=protocol, listen_port=listen, connect_port=connect)
    if kind == NIC:
        return Device(NIC, segment=segment(entry["segment"]))
    if kind == GPU:
        address = str(entry["pci"]).lower()
        if not PCI.fullmatch(address):
            raise invalid(kind, f"{entry['pci']!r} is not an address such as 0000:01:00.0")
        return Device(GPU, pci=address if address.count(":") == 2 else f"0000:{address}")
    vendor, product = (usb_id(entry[name], name) for name in required)
    return Device(USB, vendor=vendor, product=product)


def source(value: t.Any) -> str:
    """Return the directory on the NAS that a path, or the name of a dataset, means."""
    text = str(value)
    if not text.startswith("/"):
        if not DATASET.fullmatch(text):
            raise invalid(DISK, f"source {text!r} is neither a path nor a dataset")
        # Where TrueNAS mounts datasets.
        text = f"/mnt/{text}"
    if not text.startswith("/mnt/"):
        raise invalid(DISK, f"source {text!r} is not on a pool: use a path below /mnt, or a dataset")
    return directory(text, "source")


def directory(value: t.Any, name: str) -> str:
    """Return an absolute path in its normal form."""
    text = str(value)
    words = [word for word in text.split("/") if word]
    if not text.startswith("/") or not words or not {".", ".."}.isdisjoint(words) or not text.isprintable():
        raise invalid(DISK, f"{name} {text!r} is not an absolute path of a directory other than /")
    return "/" + "/".join(words)


def segment(value: t.Any) -> str:
    """Return the name of a segment, which is that of its bridge."""
    text = str(value)
    if not values.is_bridge_name(text):
        raise invalid(NIC, f"segment {value!r} is not the name of a bridge such as br77")
    return text


def port(value: t.Any, name: str) -> int:
    """Return a port number."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_PORT:
        raise invalid(PROXY, f"{name} is not a number from 1 to {MAX_PORT}")
    return value


def usb_id(value: t.Any, name: str) -> str:
    """Return the ID of a vendor or product without the prefix `0x`."""
    text = str(value).lower()
    if not USB_ID.fullmatch(text):
        raise invalid(USB, f"{name} {value!r} is not an ID of four hexadecimal digits, such as '046b'")
    return text.removeprefix("0x")


def invalid(what: str, problem: str) -> Invalid:
    """Return the error about one device."""
    return Invalid.in_field("devices", f"the device {what!r} is invalid", problem)
