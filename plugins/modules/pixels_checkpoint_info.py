#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the checkpoints of a pixel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_checkpoint_info
short_description: List the checkpoints of a pixel
version_added: 1.0.0
description:
  - Lists the checkpoints of a pixel, oldest first. The list includes snapshots that this collection did not create.
author:
  - The pixels.truenas contributors (@pixels-truenas)
extends_documentation_fragment:
  - pixels.truenas.name
  - pixels.truenas.connection
  - pixels.truenas.checkpoints
  - pixels.truenas.attributes.info
seealso:
  - module: pixels.truenas.pixels_checkpoint
"""

EXAMPLES = r"""
- name: List the checkpoints of a pixel
  pixels.truenas.pixels_checkpoint_info:
    name: web
  register: result

- name: Show how much space each checkpoint uses
  ansible.builtin.debug:
    msg: "{{ item.label }} from {{ item.created }} uses {{ item.used | human_readable }}"
  loop: "{{ result.checkpoints }}"
  loop_control:
    label: "{{ item.label }}"
"""

RETURN = r"""
checkpoints:
  description: The checkpoints, oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    label:
      description: Name of the checkpoint.
      type: str
      sample: before-upgrade
    created:
      description: Creation time in UTC.
      type: str
      sample: "2026-01-31T23:59:59Z"
    order:
      description: Position of the checkpoint, starting with 1 for the oldest.
      type: int
      sample: 1
    used:
      description: Bytes that deleting only this checkpoint would free.
      type: int
      sample: 4096
    referenced:
      description: Bytes of all data in the checkpoint. Most of it is shared with other checkpoints and the pixel.
      type: int
      sample: 541065216
    clones:
      description: Name and dataset of each clone of the checkpoint. A checkpoint that has clones cannot be deleted.
      type: list
      elements: dict
      sample: [{dataset: tank/.ix-virt/containers/px-copy, name: copy}]
    holds:
      description: Tags of the ZFS holds on the checkpoint. A checkpoint that is held cannot be deleted.
      type: list
      elements: str
      sample: []
    purpose:
      description:
        - V(checkpoint) for a regular checkpoint, V(safety) for the state that was kept by a restore, V(clone) for the
          origin of a clone.
        - C(null) if this collection did not create the snapshot.
      type: str
      sample: checkpoint
    set_aside:
      description: >-
        Whether the checkpoint is stored in a dataset that was set aside by a restore with
        O(pixels.truenas.pixels_checkpoint_restore#module:safety).
      type: bool
      sample: false
    snapshot:
      description: Full name of the ZFS snapshot.
      type: str
      sample: tank/.ix-virt/containers/px-web@before-upgrade
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CHECKPOINTS
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import serialize
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import checkpoints

ARGUMENTS: dict[str, t.Any] = {**CHECKPOINTS, "name": {"type": "str", "required": True}}


def run(task: Task) -> dict[str, t.Any]:
    """Return all checkpoints of the pixel."""
    container = task.pixels.get(task.params["name"])
    found = checkpoints.list_checkpoints(task.pixels, container)
    return {
        "changed": False,
        "checkpoints": [serialize.checkpoint(each, order) for order, each in enumerate(found, start=1)],
    }


def main() -> None:
    """Run the module in a process of its own, without the action plugin."""
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
