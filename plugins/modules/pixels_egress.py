#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage which connections a pixel can open."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_egress
short_description: Manage which connections a pixel can open
version_added: 1.0.0
description:
  - Enforces an egress policy in a running pixel with nftables and dnsmasq. The rules are loaded before the network
    starts at each boot, for IPv4 and IPv6, also for containers inside the pixel.
  - The rules stop programs and users without root. Root in the pixel can remove them. If the code that you run can
    become root, enforce the policy from outside with M(pixels.truenas.pixels_gateway).
  - The packages C(nftables) and C(dnsmasq) are installed if they are missing, over the network that the pixel has at
    that time. Apply the policy before you copy code, keys or secrets into the pixel.
  - If the policy cannot be enforced and no rules are in force, the pixel is stopped and its autostart is switched off.
  - When something that was allowed is denied, the connections to it end. All other connections stay open.
author:
  - The pixels.truenas contributors (@pixels-truenas)
extends_documentation_fragment:
  - pixels.truenas.name
  - pixels.truenas.egress
  - pixels.truenas.connection
  - pixels.truenas.attributes
  - pixels.truenas.attributes.resource
attributes:
  idempotent:
    support: full
seealso:
  - module: pixels.truenas.pixels_egress_info
  - module: pixels.truenas.pixels_gateway
  - module: pixels.truenas.pixels_segment
"""

EXAMPLES = r"""
- name: Allow what coding agents need
  pixels.truenas.pixels_egress:
    name: web
    mode: agent
    allow: [docs.python.org]

- name: Allow two domains and a host in the local network
  pixels.truenas.pixels_egress:
    name: web
    mode: allowlist
    allow: [example.com, "*.example.com"]
    lan: [192.168.1.20/32]

- name: Remove the egress policy
  pixels.truenas.pixels_egress:
    name: web
    mode: unrestricted
"""

RETURN = r"""
egress:
  description: The policy of the pixel after the task, in its normal form. In check mode, the policy that it would have.
  returned: success
  type: dict
  sample:
    mode: allowlist
    allow: ["*.example.com", example.com]
    deny: []
    presets: []
    ports: [22, 80, 443]
    lan: []
    dns: []
    sudo: packages
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.egress_option import OPTIONS, parse_options
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import record
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import failure_report
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

ARGUMENTS: dict[str, t.Any] = {
    **OPTIONS,
    "name": {"type": "str", "required": True},
}


def run(task: Task) -> dict[str, t.Any]:
    """Enforce the policy of the task's options."""
    params, pixels = task.params, task.pixels
    wanted = parse_options(params)
    name = PixelName.parse(params["name"])
    with failure_report.reporting_state(pixels, name):
        change = record.enforce(pixels, name, wanted, check_mode=task.check_mode)
    return {**change.result(), "egress": wanted.as_dict()}


def main() -> None:
    """Run as an Ansible module."""
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
