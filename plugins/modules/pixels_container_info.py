#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the pixels of a NAS."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_container_info
short_description: List pixels with their status and addresses
version_added: 1.0.0
description:
  - Lists the pixels of a TrueNAS host, by one query whatever their number.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  names:
    description:
      - Only these pixels, with or without their prefix C(px-).
        A name that does not exist is left out, and named in RV(missing).
      - Left out, all of them.
    type: list
    elements: str
    aliases: [name]
  status:
    description:
      - Only pixels of which the NAS says one of these, in small letters, such as V(running) or V(stopped).
      - Left out, whatever their status.
    type: list
    elements: str
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.attributes.info
seealso:
  - module: pixels.truenas.pixels_container
"""

EXAMPLES = r"""
- name: All pixels
  pixels.truenas.pixels_container_info:
  register: pixels

- name: Those that run, of two
  pixels.truenas.pixels_container_info:
    names: [web, db]
    status: running
  register: pixels
"""

RETURN = r"""
containers:
  description: The pixels, by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the pixel.
      type: str
      sample: web
    full_name:
      description: Name of the container on the NAS.
      type: str
      sample: px-web
    status:
      description: What the NAS says of it, in small letters.
      type: str
      sample: running
    ipv4:
      description: Its first IPv4 address, null without one.
      type: str
      sample: 192.168.1.34
    addresses:
      description: All its addresses, IPv6 as well, in the order of the NAS.
      type: list
      elements: dict
      sample: [{address: 192.168.1.34, family: ipv4, prefix: 24}]
    cpu:
      description: Number of cores, or which ones; null for no limit.
      type: str
      sample: "2"
    memory:
      description: Bytes; null for no limit.
      type: int
      sample: 2147483648
    image:
      description: What the image says of itself.
      type: dict
      sample: {description: "Ubuntu noble amd64 (20260101_07:42)", os: Ubuntu, release: noble, variant: default}
    environment:
      description: Environment variables of the container.
      type: dict
      sample: {}
    autostart:
      description: Whether it starts with the NAS.
      type: bool
      sample: true
    fleet:
      description: Fleet it belongs to, null for none.
      type: str
      sample: agents
    owner:
      description: Who it belongs to, null when nobody is noted.
      type: str
      sample: alice
    labels:
      description: Its labels.
      type: dict
      sample: {stage: test}
    origin:
      description: Checkpoint it was cloned from, null for one made from an image.
      type: str
      sample: base@ready
    pool:
      description: Storage pool it lives on.
      type: str
      sample: tank
    dataset:
      description: ZFS dataset it lives in.
      type: str
      sample: tank/.ix-virt/containers/px-web
    generation:
      description: >-
        Which kind of container the NAS has, V(virt) for Incus on TrueNAS 25.04 and 25.10, V(container) for those of
        TrueNAS 26 on.
      type: str
      sample: virt
    nas:
      description: The NAS it lives on.
      type: str
      sample: nas.example.org
missing:
  description: Names that were asked for and do not exist.
  returned: success
  type: list
  elements: str
  sample: []
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names, show

ARGUMENTS: dict[str, t.Any] = {
    "names": {"type": "list", "elements": "str", "aliases": ["name"]},
    "status": {"type": "list", "elements": "str"},
}


def run(task: Task) -> dict[str, t.Any]:
    asked = task.params["names"] and [names.full_name(name) for name in task.params["names"]]
    statuses = task.params["status"] and [status.lower() for status in task.params["status"]]
    all_of_them = task.pixels.list()
    there = {found.name for found in all_of_them}
    return {
        "changed": False,
        "containers": [
            show.container(found, task.pixels)
            for found in all_of_them
            if (not asked or found.name in asked) and (not statuses or found.status in statuses)
        ],
        "missing": [names.bare_name(name) for name in asked or [] if name not in there],
    }


def main() -> None:
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
