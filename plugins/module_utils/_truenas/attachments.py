# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which interfaces of the NAS the NICs of all its containers are attached to, pixels and others."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Attachment

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire


def shown_name(name: str) -> str:
    """Return the name of a container for a message."""
    return name if values.is_name(name) else values.quoted(name)


def of_instances(wire: Wire) -> list[Attachment]:
    """Return those of all instances of Incus, without NICs on its internal bridge."""
    found = []
    for instance in wire.read("virt.instance.query", []):
        for row in wire.read("virt.instance.device_list", instance["name"]):
            if row["dev_type"] == "NIC" and row["nic_type"] and row["parent"]:
                is_running = instance["status"] != "STOPPED"
                kind = str(row["nic_type"]).lower()
                found.append(Attachment(shown_name(instance["name"]), row["parent"], kind, is_running))
    return found


def of_containers(wire: Wire, bridges: t.Container[str]) -> list[Attachment]:
    """Return those of all containers of libvirt; `bridges` are the interfaces that are bridges."""
    found = []
    for row in wire.read("container.query", []):
        for device in row["devices"]:
            attributes = device["attributes"]
            if attributes["dtype"] == "NIC" and (parent := attributes["nic_attach"]):
                kind = "bridged" if parent in bridges else "macvlan"
                found.append(Attachment(shown_name(row["name"]), parent, kind, row["status"]["state"] != "STOPPED"))
    return found
