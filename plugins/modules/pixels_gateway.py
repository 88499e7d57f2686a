#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a pixel the gateway of segments."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_gateway
short_description: Make a pixel the gateway of segments
version_added: 1.0.0
description:
  - Makes a running pixel with several NICs the only exit of segments, which are isolated bridges of the NAS. It
    gives the pixels on a segment their addresses (DHCP and router advertisements), answers their DNS queries, and
    forwards the connections that the egress policy of the segment allows, for IPv4 and IPv6.
  - Root in a pixel on a segment cannot remove the policy. Pixels on the same segment can reach each other.
  - The rules are loaded before the network starts at each boot. If they cannot be loaded, nothing is forwarded.
  - The role P(pixels.truenas.gateway#role) creates the segments and the gateway as well.
  - The packages C(nftables) and C(dnsmasq) are installed in the gateway if they are missing.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  segments:
    description:
      - All segments of the gateway. Segments that are not listed are no longer served, and are closed.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the segment, V(br) and a number.
        type: str
        required: true
      egress:
        description:
          - Egress policy of the pixels on the segment. A mode other than V(unrestricted), or a dictionary of options
            of M(pixels.truenas.pixels_egress).
          - The preset V(distribution) stands for the hosts of all supported distributions, because the gateway does
            not know those of the pixels.
        type: raw
        default: none
      network:
        description:
          - Private IPv4 network of the segment, with a prefix length from 16 to 28. The gateway has its first address.
          - Defaults to C(10.N.0.0/24) for the segment C(brN).
        type: str
      network6:
        description:
          - Unique local IPv6 network of the segment, with a prefix length of 64.
          - Defaults to a network that is derived from the name of the segment.
        type: str
      interface:
        description:
          - Interface of the gateway on the segment. It is recorded by its MAC address when the segment is set up.
          - Defaults to V(eth1) for the first segment, V(eth2) for the second, and so on.
        type: str
  uplink:
    description:
      - Interface of the gateway that leads outside. It is recorded by its MAC address when the gateway is set up.
    type: str
    default: eth0
extends_documentation_fragment:
  - pixels.truenas.name
  - pixels.truenas.connection
  - pixels.truenas.attributes
  - pixels.truenas.attributes.resource
attributes:
  idempotent:
    support: full
seealso:
  - module: pixels.truenas.pixels_egress
"""

EXAMPLES = r"""
- name: Let the pixels on a segment reach two sites
  pixels.truenas.pixels_gateway:
    name: gateway
    segments:
      - name: br77
        egress:
          mode: allowlist
          allow: [example.com, "*.example.org"]
"""

RETURN = r"""
segments:
  description: The segments of the gateway after the task. In check mode, those that it would have.
  returned: success
  type: list
  elements: dict
  sample:
    - name: br77
      network: 10.77.0.0/24
      network6: fd63:2191:d9be::/64
      egress:
        mode: allowlist
        allow: ["*.example.org", example.com]
        deny: []
        presets: []
        ports: [22, 80, 443]
        lan: []
        dns: []
        sudo: packages
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import gateway, segment
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import failure_report
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

ARGUMENTS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "segments": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "egress": {"type": "raw", "default": "none"},
            "network": {"type": "str"},
            "network6": {"type": "str"},
            "interface": {"type": "str"},
        },
    },
    "uplink": {"type": "str", "default": "eth0"},
}


def run(task: Task) -> dict[str, t.Any]:
    """Set up the gateway."""
    params, pixels = task.params, task.pixels
    wanted = segment.parse_all(params["segments"])
    name = PixelName.parse(params["name"])
    with failure_report.reporting_state(pixels, name):
        change = gateway.set_up(pixels, name, wanted, params["uplink"], check_mode=task.check_mode)
    return {**change.result(), "segments": [each.as_dict() for each in wanted]}


def main() -> None:
    """Run as an Ansible module."""
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
