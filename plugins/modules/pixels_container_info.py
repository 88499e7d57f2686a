#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List pixels with their status and addresses."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_container_info
short_description: List pixels with their status and addresses
version_added: 1.0.0
description:
  - Lists the pixels of a NAS with a single query.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  names:
    description:
      - Names of the pixels to list, with or without the prefix C(px-). Names that do not exist are returned in
        RV(missing).
      - Defaults to all pixels.
    type: list
    elements: str
    aliases: [name]
  status:
    description:
      - Status values of the pixels to list, in lower case. Common values are V(running) and V(stopped). The other
        values are V(unknown), V(error), V(frozen), V(suspended), V(starting), V(stopping), V(freezing), V(thawed) and
        V(aborting).
      - Defaults to all values.
    type: list
    elements: str
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.attributes.info
seealso:
  - module: pixels.truenas.pixels_container
"""

EXAMPLES = r"""
- name: List all pixels
  pixels.truenas.pixels_container_info:
  register: result

- name: List two pixels if they are running
  pixels.truenas.pixels_container_info:
    names: [web, db]
    status: running
  register: result
"""

RETURN = r"""
containers:
  description: The pixels, sorted by name.
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
      description: Status reported by the NAS, in lower case.
      type: str
      sample: running
    ipv4:
      description: First IPv4 address of the NIC of the pixel. C(null) if it has none.
      type: str
      sample: 192.168.1.34
    ipv6:
      description:
        - First global IPv6 address of the NIC of the pixel. C(null) if it has none.
        - Connections use this address if the pixel has no IPv4 address.
      type: str
      sample: fd42:2c5c:5bbd:8b2e:216:3eff:fe11:2233
    addresses:
      description:
        - All addresses of the pixel. Addresses of its NIC come before those of other interfaces, such as C(docker0).
      type: list
      elements: dict
      sample: [{address: 192.168.1.34, family: ipv4, prefix: 24}]
    cpu:
      description: Number of cores, or the set of cores. C(null) if unlimited.
      type: str
      sample: "2"
    memory:
      description: Memory limit in bytes. C(null) if unlimited.
      type: int
      sample: 2147483648
    image:
      description: Properties of the image.
      type: dict
      sample: {description: "Ubuntu noble amd64 (20260101_07:42)", os: Ubuntu, release: noble, variant: default}
    environment:
      description: Environment variables of the container.
      type: dict
      sample: {}
    autostart:
      description: Whether the pixel starts when the NAS boots.
      type: bool
      sample: true
    fleet:
      description: Name of the fleet. C(null) if the pixel is not part of a fleet.
      type: str
      sample: agents
    owner:
      description: Owner of the pixel. C(null) if no owner is set.
      type: str
      sample: alice
    labels:
      description: Labels of the pixel.
      type: dict
      sample: {stage: test}
    ttl:
      description: Lifetime as it was set. C(null) if the pixel does not expire.
      type: str
      sample: 4h
    expires:
      description: When the pixel expires, in UTC. C(null) if it does not expire.
      type: str
      sample: "2026-12-01T18:00:00Z"
    protected:
      description: Whether the pixel is protected from being destroyed and restored.
      type: bool
      sample: false
    idle_stop:
      description: How long the pixel can be idle before it is stopped. C(null) if it is not stopped.
      type: str
      sample: 30m
    gateway:
      description: Segments that the pixel is the gateway of. Empty for other pixels.
      type: list
      elements: str
      sample: [br77]
    base:
      description: Base that the pixel is a version of. C(null) for other pixels.
      type: str
    origin:
      description: Checkpoint that the pixel was cloned from. C(null) if it was created from an image.
      type: str
      sample: base@ready
    pool:
      description: Storage pool of the pixel.
      type: str
      sample: tank
    dataset:
      description: ZFS dataset of the pixel.
      type: str
      sample: tank/.ix-virt/containers/px-web
    generation:
      description: >-
        Container technology of the NAS. V(virt) for Incus on TrueNAS 25.04 and 25.10, V(container) for libvirt LXC on
        TrueNAS 26 and later.
      type: str
      sample: virt
    nas:
      description: Name of the NAS.
      type: str
      sample: nas.example.org
missing:
  description: Names in O(names) that do not exist.
  returned: success
  type: list
  elements: str
  sample: []
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import serialize
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import statuses

ARGUMENTS: dict[str, t.Any] = {
    "names": {"type": "list", "elements": "str", "aliases": ["name"]},
    "status": {"type": "list", "elements": "str"},
}


from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName


def run(task: Task) -> dict[str, t.Any]:
    """Return the pixels that match the options."""
    requested = [PixelName.parse(name) for name in task.params["names"] or []]
    wanted = statuses.lower_case(task.params["status"] or [])
    containers = task.pixels.list()
    existing = {found.name for found in containers}
    return {
        "changed": False,
        "containers": [
            serialize.container(found, task.pixels)
            for found in containers
            if (not requested or found.name in requested) and (not wanted or found.status in wanted)
        ],
        "missing": [name.bare for name in requested if name not in existing],
    }


def main() -> None:
    """Run the module in a process of its own, without the action plugin."""
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
