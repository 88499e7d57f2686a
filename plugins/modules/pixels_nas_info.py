#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get information about a NAS and the permissions of the account."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_nas_info
short_description: Get information about a NAS and the permissions of the account
version_added: 1.0.0
description:
  - Returns the TrueNAS release, the container technology, the storage pools and network interfaces for pixels, and the
    permissions of the account.
  - Use this module first to diagnose a problem.
author:
  - The pixels.truenas contributors (@pixels-truenas)
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.attributes.info
seealso:
  - module: pixels.truenas.pixels_container
"""

EXAMPLES = r"""
- name: Get information about the NAS
  pixels.truenas.pixels_nas_info:
  register: result

- name: Require an account that can manage containers
  ansible.builtin.assert:
    that: result.nas.rights.manage.allowed
    fail_msg: "The account requires {{ result.nas.rights.manage.missing | join(', ') }}."
"""

RETURN = r"""
nas:
  description: Information about the NAS.
  returned: success
  type: dict
  contains:
    host:
      description: Name of the NAS in messages.
      type: str
      sample: nas.example.org
    release:
      description: TrueNAS release.
      type: str
      sample: 25.10.6
    generation:
      description: >-
        Container technology of the NAS. V(virt) for Incus on TrueNAS 25.04 and 25.10, V(container) for libvirt LXC on
        TrueNAS 26 and later.
      type: str
      sample: virt
    ready:
      description: Whether the NAS is configured to run containers.
      type: bool
      sample: true
    problem:
      description: Why the NAS cannot run containers. C(null) if it can.
      type: str
      sample:
    pool:
      description: Default storage pool. C(null) if there is none, or if the account is not allowed to read it.
      type: str
      sample: tank
    pools:
      description: All storage pools for containers. The default pool comes first.
      type: list
      elements: str
      sample: [tank, fast]
    dataset:
      description: Parent dataset of the containers on the default pool.
      type: str
      sample: tank/.ix-virt
    nics:
      description: >-
        Network interfaces that are up and have an IPv4 address. C(null) if the account is not allowed to read them.
      type: list
      elements: dict
      contains:
        parent:
          description: Name of the interface.
          type: str
          sample: eno1
        type:
          description: How pixels are attached to the interface, V(macvlan) or V(bridged).
          type: str
          sample: macvlan
        kind:
          description: Kind of interface, such as V(physical), V(bridge), V(vlan) or V(link_aggregation).
          type: str
          sample: physical
        addresses:
          description: IPv4 addresses with their prefix lengths.
          type: list
          elements: str
          sample: [192.168.1.10/24]
        default:
          description: Whether new pixels are attached to this interface by default.
          type: bool
          sample: true
    account:
      description: The account that is logged in.
      type: dict
      contains:
        username:
          description: Name of the account.
          type: str
          sample: root
        roles:
          description: Roles of the account.
          type: list
          elements: str
          sample: [FULL_ADMIN]
        web_shell:
          description: Whether the account has web shell access.
          type: bool
          sample: true
    rights:
      description:
        - Permissions of the account by operation. Each value has the keys C(allowed), a boolean, and C(missing), a list
          of the roles that the account needs in addition.
        - C(list) allows listing pixels.
        - C(manage) allows creating, changing, starting, stopping and destroying pixels.
        - C(find_nic) allows detecting the network interface for new pixels.
        - C(enter) allows opening the web shell of a pixel.
        - C(provision) allows provisioning pixels with the method C(shell), C(provision_rootfs) with the method
          C(rootfs).
        - C(checkpoint) allows creating checkpoints.
        - C(delete_checkpoint) allows deleting checkpoints.
        - C(restore) allows restoring checkpoints, C(restore_with_safety) with the option
          O(pixels.truenas.pixels_checkpoint_restore#module:safety).
        - C(clone) allows cloning pixels.
        - C(promote_clones) allows destroying pixels with O(pixels.truenas.pixels_container#module:clones=promote).
      type: dict
      sample: {manage: {allowed: true, missing: []}}
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotPermitted, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import permissions
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import nas, network

ARGUMENTS: dict[str, t.Any] = {}


def run(task: Task) -> dict[str, t.Any]:
    """Return information about the NAS and the permissions of the account."""
    pixels = task.pixels
    account = nas.account(pixels.wire)
    pools = pixels.backend.pools()
    problem = setup_problem(pixels)
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
                for purpose, right in permissions.rights(account, pixels.backend, pixels.snapshots.roles).items()
            },
        },
    }


def setup_problem(pixels: Pixels) -> str | None:
    """Return why the NAS cannot run containers, or None if it can."""
    try:
        pixels.backend.ensure_ready()
    except Refused as error:
        return str(error)
    return None


def nics(pixels: Pixels) -> list[dict[str, t.Any]] | None:
    """Return the interfaces that pixels can be attached to, or None if the account is not allowed to read them."""
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
    """Run the module in a process of its own, without the action plugin."""
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
