#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show the egress policy of a pixel, and whether it is in force."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_egress_info
short_description: Show the egress policy of a pixel
version_added: 1.0.0
description:
  - Shows which egress policy a running pixel has, whether it is in force as declared, and which destinations were
    refused.
author:
  - The pixels.truenas contributors (@pixels-truenas)
extends_documentation_fragment:
  - pixels.truenas.name
  - pixels.truenas.connection
  - pixels.truenas.attributes
  - pixels.truenas.attributes.info
seealso:
  - module: pixels.truenas.pixels_egress
"""

EXAMPLES = r"""
- name: Read the egress policy
  pixels.truenas.pixels_egress_info:
    name: web
  register: result

- name: Fail if the policy is not in force as declared
  ansible.builtin.assert:
    that: result.drift == []
"""

RETURN = r"""
egress:
  description:
    - The policy that was set, in its normal form. Its C(mode) is V(unknown) if the policy is too long for the metadata
      on the NAS and the pixel has another one.
  returned: success
  type: dict
  sample:
    mode: agent
    allow: []
    deny: []
    presets: [github, npm]
    ports: [22, 80, 443]
    lan: []
    dns: []
    sudo: packages
drift:
  description: How the pixel differs from the declared policy. Empty if it does not differ.
  returned: success
  type: list
  elements: str
  sample: [the rules in force are not those of the policy]
enforced_by:
  description:
    - V(gateway) if all NICs of the pixel are on a segment with a gateway, which root in the pixel cannot change. The
      policy is that of the segment.
    - V(guest) if rules in the pixel enforce the policy, which root in the pixel can remove; otherwise V(none).
  returned: success
  type: str
  sample: guest
refused:
  description: Destinations that were refused within the last day, those with most packets first.
  returned: success
  type: list
  elements: dict
  sample:
    - {address: 203.0.113.10, protocol: tcp, port: 443, packets: 3}
  contains:
    address:
      description: IPv4 or IPv6 address.
      type: str
    protocol:
      description: V(tcp) or V(udp).
      type: str
    port:
      description: Port number.
      type: int
    packets:
      description: Number of packets.
      type: int
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import report
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

ARGUMENTS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
}


def run(task: Task) -> dict[str, t.Any]:
    """Read the policy of a pixel."""
    pixels, name = task.pixels, PixelName.parse(task.params["name"])
    with trying(f"reading the egress policy of {name.bare} on {pixels.nas}"):
        found = report.read(pixels, name)
    return {"changed": False, **found.as_dict()}


def main() -> None:
    """Run as an Ansible module."""
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
