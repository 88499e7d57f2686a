# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add hosts, variables and groups from a file: the baseline of the inventory plugin of this collection."""

from __future__ import annotations

import json
from pathlib import Path

from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.template import trust_as_template

DOCUMENTATION = r"""
name: replay
short_description: Hosts from an earlier listing
description: For performance comparisons.
options:
  plugin:
    description: V(replay).
    required: true
  hosts:
    description: File with the output of C(ansible-inventory --list), in the same directory.
    required: true
"""


class InventoryModule(BaseInventoryPlugin):
    NAME = "replay"

    def verify_file(self, path):
        return path.endswith(".replay.yml")

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        listed = json.loads((Path(path).parent / self.get_option("hosts")).read_text())
        hosts = listed.pop("_meta")["hostvars"]
        for name, variables in hosts.items():
            inventory.add_host(name)
            for variable, value in variables.items():
                inventory.set_variable(name, variable, trusted(value))
        for group, content in listed.items():
            inventory.add_group(group)
            for name in content.get("hosts", ()):
                inventory.add_child(group, name)


def trusted(value):
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, list):
        return [trusted(each) for each in value]
    if isinstance(value, dict):
        return {name: trusted(each) for name, each in value.items()}
    return value
