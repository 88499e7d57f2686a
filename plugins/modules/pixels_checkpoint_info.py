#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the checkpoints of one pixel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_checkpoint_info
short_description: List the checkpoints of a pixel
version_added: 1.0.0
description:
  - Lists the checkpoints of a pixel, oldest first, whoever made them.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  name:
    description:
      - Name of the pixel. Run for a pixel of the inventory, it is that pixel.
    type: str
    required: true
extends_documentation_fragment:
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
  register: found

- name: Show them with what each would free
  ansible.builtin.debug:
    msg: "{{ item.label }} of {{ item.created }} keeps {{ item.used | human_readable }}"
  loop: "{{ found.checkpoints }}"
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
      description: Its name.
      type: str
      sample: before-upgrade
    created:
      description: When it was taken, in UTC.
      type: str
      sample: "2026-01-31T23:59:59Z"
    order:
      description: Its place among them; the oldest is 1. It tells apart what was taken in the same second.
      type: int
      sample: 1
    used:
      description: Bytes that only this checkpoint keeps, and that deleting it would free.
      type: int
      sample: 4096
    referenced:
      description: Bytes of all that is in it, most of it shared with other checkpoints and the pixel itself.
      type: int
      sample: 541065216
    clones:
      description: What was cloned from it, by name and dataset. While there is one, it cannot be deleted.
      type: list
      elements: dict
      sample: [{dataset: tank/.ix-virt/containers/px-copy, name: copy}]
    holds:
      description: Tags it is held by. While there is one, it cannot be deleted.
      type: list
      elements: str
      sample: []
    purpose:
      description:
        - What it was taken for, V(checkpoint), V(safety) before a restore, or V(clone) as the origin of a clone.
        - Null when this collection did not make it.
      type: str
      sample: checkpoint
    set_aside:
      description: Whether it belongs to a state that a restore with safety has set aside.
      type: bool
      sample: false
    snapshot:
      description: The ZFS snapshot that it is.
      type: str
      sample: tank/.ix-virt/containers/px-web@before-upgrade
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CHECKPOINTS
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import checkpoints, show

ARGUMENTS: dict[str, t.Any] = {**CHECKPOINTS, "name": {"type": "str", "required": True}}


def run(task: Task) -> dict[str, t.Any]:
    container = task.pixels.get(task.params["name"])
    found = checkpoints.of(task.pixels, container)
    return {
        "changed": False,
        "checkpoints": [show.checkpoint(each, order) for order, each in enumerate(found, start=1)],
    }


def main() -> None:
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
