#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what a NAS offers to pixels, and what the account may do there."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_nas_info
short_description: What a TrueNAS host offers to pixels
version_added: 1.0.0
description:
  - Reports the release, the kind of containers, storage pools, network interfaces,
    and whether the account may do what this collection does.
  - The first thing to run when something does not work.
author:
  - The pixels.truenas contributors (@pixels-truenas)
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.attributes.info
seealso:
  - module: pixels.truenas.pixels_container
"""

EXAMPLES = r"""
- name: Look at the NAS
  pixels.truenas.pixels_nas_info:
  register: nas

- name: Stop here when the account may not create containers
  ansible.builtin.assert:
    that: nas.nas.rights.manage.allowed
    fail_msg: "The account lacks {{ nas.nas.rights.manage.missing | join(', ') }}"
"""

RETURN = r"""
nas:
  description: What was found.
  returned: success
  type: dict
  contains:
    host:
      description: The NAS as messages name it.
      type: str
      sample: nas.example.org
    release:
      description: Release of TrueNAS.
      type: str
      sample: 25.10.6
    generation:
      description: >-
        Which kind of container it has, V(virt) for Incus on TrueNAS 25.04 and 25.10, V(container) for those of
        TrueNAS 26 on.
      type: str
      sample: virt
    ready:
      description: Whether containers are set up.
      type: bool
      sample: true
    problem:
      description: Why they are not, null when they are.
      type: str
      sample:
    pool:
      description: Storage pool new pixels live on, null when there is none or the account may not see it.
      type: str
      sample: tank
    pools:
      description: All storage pools for containers, the default one first.
      type: list
      elements: str
      sample: [tank, fast]
    dataset:
      description: Dataset below which the containers of the default pool live.
      type: str
      sample: tank/.ix-virt
    nics:
      description: Interfaces that are up and have an IPv4 address, null when the account may not see them.
      type: list
      elements: dict
      contains:
        parent:
          description: Name of the interface.
          type: str
          sample: eno1
        type:
          description: How a pixel is attached to it.
          type: str
          sample: macvlan
        kind:
          description: What it is, such as V(physical), V(bridge), V(vlan) or V(link_aggregation).
          type: str
          sample: physical
        addresses:
          description: Its IPv4 addresses with their prefix lengths.
          type: list
          elements: str
          sample: [192.168.1.10/24]
        default:
          description: Whether new pixels are attached to it unless told otherwise.
          type: bool
          sample: true
    account:
      description: The account that is logged in.
      type: dict
      contains:
        username:
          description: Its name.
          type: str
          sample: root
        roles:
          description: Its roles.
          type: list
          elements: str
          sample: [FULL_ADMIN]
        web_shell:
          description: Whether it may use the web shell.
          type: bool
          sample: true
    rights:
      description:
        - Whether the account may do what this collection does. C(list) pixels, C(manage) them,
          C(find_nic) find the interface for a new one, C(provision) write into them, take a C(checkpoint),
          C(delete_checkpoint), C(restore) one, the same with the state before kept (C(restore_with_safety)), C(clone)
          pixels from them, and hand them over to clones when a pixel goes (C(promote_clones)).
        - What restoring takes depends on the release.
      type: dict
      sample: {manage: {allowed: true, missing: []}}
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotPermitted, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import rights
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import nas, network

ARGUMENTS: dict[str, t.Any] = {}


def run(task: Task) -> dict[str, t.Any]:
    pixels = task.pixels
    account = nas.account(pixels.wire)
    pools = pixels.backend.pools()
    problem = why_not_ready(pixels)
    return {
        "changed": False,
        "nas": {
            "host": pixels.nas,
            "release": nas.release(pixels.wire),
            "generation": pixels.backend.generation,
            "ready": problem is None,
            "problem": problem,
            "pool": pools[0] if pools else None,
            "pools": list(pools),
            "dataset": pixels.backend.dataset(),
            "nics": nics(pixels),
            "account": {
                "username": account.username,
                "roles": sorted(account.roles),
                "web_shell": account.web_shell,
            },
            "rights": {
                purpose: {"allowed": right.allowed, "missing": list(right.missing)}
                for purpose, right in rights.rights(account, pixels.backend, pixels.snapshots.roles).items()
            },
        },
    }


def why_not_ready(pixels: Pixels) -> str | None:
    try:
        pixels.backend.ensure_ready()
    except Refused as error:
        return str(error)
    return None


def nics(pixels: Pixels) -> list[dict[str, t.Any]] | None:
    try:
        candidates = network.interfaces(pixels.wire)
        chosen = network.preferred(candidates, network.default_gateway(pixels.wire))
    except NotPermitted:
        return None
    return [
        {
            "parent": each.name,
            "type": each.nic().type,
            "kind": each.kind,
            "addresses": [str(address) for address in each.addresses],
            "default": each == chosen,
        }
        for each in candidates
    ]


def main() -> None:
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
