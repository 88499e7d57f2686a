# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert the options that describe a pixel, alone or in a fleet, to a specification."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import RUN_STATE
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.provision_option import provision
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Params
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import parse_origin
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import memory_size
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import PixelSpec
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import (
    env_vars,
    lifetime,
    metadata,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import SEGMENT, Nic
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.settings import SshSettings
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import EgressPolicy
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.devices import Device

GUEST, GATEWAY = "guest", "gateway"
"""Where an egress policy is enforced: in the pixel, or by the wire that it is on."""

# Options that are compared with the NAS have no default here: if they are omitted, existing pixels are unchanged.
SPECIFICATION: dict[str, t.Any] = {
    **RUN_STATE,
    "name": {"type": "str", "required": True},
    "state": {
        "type": "str",
        "choices": ["present", "started", "stopped", "restarted", "absent"],
        "default": "started",
    },
    "image": {"type": "str"},
    "cpu": {"type": "str"},
    "memory": {"type": "str"},
    "environment": {"type": "dict"},
    "autostart": {"type": "bool"},
    "fleet": {"type": "str"},
    "owner": {"type": "str"},
    "labels": {"type": "dict"},
    "ttl": {"type": "str"},
    "ttl_keep": {"type": "str"},
    "idle_stop": {"type": "str"},
    "protected": {"type": "bool"},
    "storage_pool": {"type": "str"},
    "nic": {
        "type": "dict",
        "options": {
            "parent": {"type": "str"},
            "type": {"type": "str", "choices": ["macvlan", "bridged"]},
            "segment": {"type": "str"},
        },
    },
    "devices": {
        "type": "list",
        "elements": "dict",
        "options": {
            "type": {"type": "str", "choices": ["disk", "proxy", "gpu", "usb", "nic"], "required": True},
            "source": {"type": "str"},
            "path": {"type": "str"},
            "protocol": {"type": "str", "choices": ["tcp", "udp"]},
            "listen_port": {"type": "int"},
            "connect_port": {"type": "int"},
            "pci": {"type": "str"},
            "vendor": {"type": "str"},
            "product": {"type": "str"},
            "segment": {"type": "str"},
        },
    },
    "purge_devices": {"type": "bool", "default": False},
    "provision": {"type": "raw"},
    "egress": {"type": "raw"},
    "from": {"type": "str"},
    "clones": {"type": "str", "choices": ["refuse", "promote", "leave"], "default": "refuse"},
    "delete_retries": {"type": "int", "default": 3},
    "delete_delay": {"type": "float", "default": 2},
}


def pixel_spec(params: Params, ssh: SshSettings) -> PixelSpec:
    """Return the specification of a pixel. Raises `Invalid` for an invalid value."""
    return PixelSpec(
        name=PixelName.parse(params["name"]),
        state=params["state"],
        image=params["image"],
        cpu=params["cpu"],
        memory=None if params["memory"] is None else memory_size.parse_memory(params["memory"]),
        environment=None if params["environment"] is None else env_vars.check(params["environment"]),
        autostart=params["autostart"],
        fleet=None if params["fleet"] is None else metadata.check_text("fleet", params["fleet"]),
        owner=None if params["owner"] is None else metadata.check_text("owner", params["owner"]),
        labels=None if params["labels"] is None else metadata.check_labels(params["labels"]),
        ttl=None if params["ttl"] is None else lifetime.parse_ttl(params["ttl"]),
        ttl_keep=None if params["ttl_keep"] is None else lifetime.parse_keep(params["ttl_keep"]),
        protected=params["protected"],
        idle_stop=None if params["idle_stop"] is None else lifetime.parse_keep(params["idle_stop"], "idle_stop"),
        pool=params["storage_pool"],
        nic=nic(params["nic"]) if params["nic"] else None,
        devices=devices(params["devices"]),
        purge_devices=params["purge_devices"],
        provision=provision(params["provision"], ssh=ssh),
        egress=egress_of_pixel(params),
        origin=parse_origin(params["from"]) if params["from"] else None,
        clones=params["clones"],
        unprotect=params["force"],
    )


def nic(entry: Params) -> Nic:
    """Return the NIC that the option `nic` describes: on a segment, or on an interface of the NAS. Raises `Invalid`."""
    parent, segment = entry.get("parent"), entry.get("segment")
    if bool(parent) == bool(segment):
        raise Invalid.in_field("nic", "nic is invalid", "set one of parent and segment")
    if segment and entry.get("type"):
        problem = "the release of TrueNAS determines the type on a segment. Omit type"
        raise Invalid.in_field("nic.type", "nic is invalid", problem)
    return Nic(segment or parent or "", SEGMENT if segment else entry.get("type") or Nic.type)


def devices(entries: t.Sequence[t.Mapping[str, t.Any]] | None) -> tuple[Device, ...] | None:
    """Return the devices that the option `devices` describes. Raises `Invalid`."""
    if entries is None:
        return None
    # Only here: most tasks set no devices, and do not wait for what it imports.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import device_spec

    return device_spec.parse(entries)


def egress_of_pixel(params: Params) -> EgressPolicy | None:
    """Return the policy that the options describe; None to leave it as it is, or if the wire enforces it.

    Raises `Invalid` for a policy that cannot be enforced where it says.
    """
    value = params["egress"]
    if isinstance(value, t.Mapping) and "enforce" in value:
        reject_enforcement(params, value)
        value = None if value["enforce"] == GATEWAY else {name: value[name] for name in value if name != "enforce"}
    return egress(value)


def egress(value: t.Any) -> EgressPolicy | None:
    """Return the policy that the option `egress` describes: a mode or a dictionary. Raises `Invalid`."""
    if value is None:
        return None
    # Only here: most tasks set no policy, and do not wait for what it imports.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import policy

    return policy.parse(value)


def reject_enforcement(params: Params, policy: Params) -> None:
    """Raise `Invalid` for a policy that cannot be enforced where it says."""
    enforce = policy["enforce"]
    if enforce not in (GUEST, GATEWAY):
        problem = f"use {GUEST} or {GATEWAY}"
        raise Invalid.in_field("egress.enforce", f"invalid egress.enforce {enforce!r}", problem)
    if enforce == GUEST:
        return
    if not (params["nic"] or {}).get("segment"):
        problem = "the pixel is not on a segment. Set nic.segment"
    elif any(each["type"] == "nic" for each in params["devices"] or ()):
        problem = "the pixel has another network interface. Remove it from devices"
    elif policy.get("mode") != "none" or set(policy) != {"mode", "enforce"}:
        problem = "the policy of a segment is that of its gateway. Set mode: none and nothing else"
    else:
        return
    raise Invalid.in_field("egress.enforce", f"invalid egress.enforce {enforce!r}", problem)


def apply_options(params: Params, ssh_port: int) -> ApplyOptions:
    """Return how an operation waits, retries and forces; options that a module does not have get their defaults."""
    names_of_options = ("stop_timeout", "force", "wait", "delete_retries", "delete_delay")
    return ApplyOptions(**{name: params[name] for name in names_of_options if name in params}, ssh_port=ssh_port)
