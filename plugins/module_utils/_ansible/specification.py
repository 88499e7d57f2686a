# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that describe one pixel, and what they ask for: for one of them as for a fleet."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.provision import provision
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Params
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import (
    cloning,
    lifecycle,
    marks,
    names,
    sizes,
    variables,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Nic

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.settings import Ssh

# What is compared with the NAS has no default here: left out means "as it is".
SPECIFICATION: dict[str, t.Any] = {
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
    "storage_pool": {"type": "str"},
    "nic": {
        "type": "dict",
        "options": {
            "parent": {"type": "str", "required": True},
            "type": {"type": "str", "choices": ["macvlan", "bridged"], "default": "macvlan"},
        },
    },
    "provision": {"type": "raw"},
    "from": {"type": "str"},
    "clones": {"type": "str", "choices": ["refuse", "promote", "leave"], "default": "refuse"},
    "wait": {"type": "str", "choices": ["none", "running", "address", "ssh", "ready"], "default": "address"},
    "wait_timeout": {"type": "float", "default": 600},
    "stop_timeout": {"type": "float", "default": 30},
    "force": {"type": "bool", "default": False},
    "delete_retries": {"type": "int", "default": 3},
    "delete_delay": {"type": "float", "default": 2},
}


def wanted(params: Params, ssh: Ssh) -> lifecycle.Wanted:
    """What the options ask for. Raises C(Invalid) for a value that makes no sense, before anything is sent."""
    return lifecycle.Wanted(
        name=names.full_name(params["name"]),
        state=params["state"],
        image=params["image"],
        cpu=params["cpu"],
        memory=None if params["memory"] is None else sizes.parse_memory(params["memory"]),
        environment=None if params["environment"] is None else variables.check(params["environment"]),
        autostart=params["autostart"],
        fleet=None if params["fleet"] is None else marks.check_note("fleet", params["fleet"]),
        owner=None if params["owner"] is None else marks.check_note("owner", params["owner"]),
        labels=None if params["labels"] is None else marks.check_labels(params["labels"]),
        pool=params["storage_pool"],
        nic=Nic(**params["nic"]) if params["nic"] else None,
        provision=provision(params["provision"], ssh=ssh),
        origin=cloning.parse(params["from"]) if params["from"] else None,
        clones=params["clones"],
    )


def patience(params: Params, ssh_port: int) -> lifecycle.Patience:
    return lifecycle.Patience(
        stop_timeout=params["stop_timeout"],
        force=params["force"],
        delete_retries=params["delete_retries"],
        delete_delay=params["delete_delay"],
        wait=params["wait"],
        ssh_port=ssh_port,
    )
