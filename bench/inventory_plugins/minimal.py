# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least an inventory plugin can do for as many hosts with as many variables: the peer of ours."""

from __future__ import annotations

from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.template import trust_as_template

DOCUMENTATION = r"""
name: minimal
short_description: Hosts that are made up
description: For comparison.
options:
  plugin:
    description: V(minimal).
    required: true
  number:
    description: How many hosts.
    type: int
    required: true
"""

TEXTS = ("name", "full_name", "status", "ipv4", "cpu", "pool", "dataset", "generation", "nas", "nas_host", "ca_path")


class InventoryModule(BaseInventoryPlugin):
    NAME = "minimal"

    def verify_file(self, path):
        return path.endswith(".minimal.yml")

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        for group in ("pixels", "pixels_status_running", "pixels_image_ubuntu"):
            inventory.add_group(group)
        for number in range(self.get_option("number")):
            name = f"host-{number}"
            inventory.add_host(name, group="pixels")
            inventory.add_child("pixels_status_running", name)
            inventory.add_child("pixels_image_ubuntu", name)
            for text in TEXTS:
                inventory.set_variable(name, f"pixels_{text}", trust_as_template(f"{text} of {name}"))
            inventory.set_variable(name, "ansible_host", trust_as_template(f"10.0.{number // 250}.{number % 250}"))
            inventory.set_variable(name, "pixels_memory", 2147483648)
