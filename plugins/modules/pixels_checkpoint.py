#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes, deletes and prunes checkpoints of one pixel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_checkpoint
short_description: Take or delete a checkpoint of a pixel
version_added: 1.0.0
description:
  - Takes a checkpoint of a pixel, which is a ZFS snapshot of its files, or deletes one.
  - Whatever it is called, a checkpoint keeps only what has changed since.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  name:
    description:
      - Name of the pixel. Run for a pixel of the inventory, it is that pixel.
    type: str
    required: true
  state:
    description:
      - V(present) makes sure that there is a checkpoint O(label), and takes it if not.
      - V(absent) makes sure that there is none. One that something was cloned from, or that is held, is refused.
    type: str
    choices: [present, absent]
    default: present
  label:
    description:
      - Name of the checkpoint. It has letters, digits, underscores, dots, colons and dashes, a letter or digit first.
      - Left out, a new one is taken every time, called after the present time in UTC such as V(px-20260131-235959).
      - Required to delete one.
    type: str
  keep:
    description:
      - How many checkpoints made by this collection may stay, the newest of them. Older ones are deleted, except those
        that something was cloned from or that are held. Those of the NAS's own snapshot tasks are never touched.
      - Left out, all stay.
    type: int
  quiesce:
    description:
      - V(none) takes it while the pixel runs, as if its power had failed at that moment.
      - V(stop) stops it for that, and starts it again.
    type: str
    choices: [none, stop]
    default: none
  stop_timeout:
    description:
      - Seconds a pixel has to stop when asked to.
    type: float
    default: 30
  force:
    description:
      - Whether to kill it instead of asking it to stop.
    type: bool
    default: false
  wait:
    description:
      - How far a pixel that was stopped and runs again must have come for the task to be done.
    type: str
    choices: [none, running, address, ssh, ready]
    default: address
  wait_timeout:
    description:
      - Seconds for all of it together.
    type: float
    default: 600
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.checkpoints
  - pixels.truenas.ssh
  - pixels.truenas.attributes
  - pixels.truenas.attributes.resource
attributes:
  idempotent:
    support: partial
    details: Without O(label) it takes a new one every time.
seealso:
  - module: pixels.truenas.pixels_checkpoint_info
  - module: pixels.truenas.pixels_checkpoint_restore
  - module: pixels.truenas.pixels_container
    description: Its option O(pixels.truenas.pixels_container#module:from) makes a new pixel from a checkpoint.
"""

EXAMPLES = r"""
- name: Save the state before an upgrade; in a play over pixels of the inventory, of each of them
  pixels.truenas.pixels_checkpoint:
    label: before-upgrade

- name: One now, and of all that were taken this way the last five
  pixels.truenas.pixels_checkpoint:
    name: web
    keep: 5

- name: One that no half-written file is in
  pixels.truenas.pixels_checkpoint:
    name: web
    label: clean
    quiesce: stop

- name: Delete it
  pixels.truenas.pixels_checkpoint:
    name: web
    label: clean
    state: absent
"""

RETURN = r"""
label:
  description: Label of the checkpoint that is there, or was deleted. Check mode cannot know the time in a new one.
  returned: success
  type: str
  sample: px-20260131-235959
pruned:
  description: Labels of those that were deleted for O(keep).
  returned: success
  type: list
  elements: str
  sample: []
checkpoints:
  description: Labels of all checkpoints afterwards, oldest first; in check mode as they would be.
  returned: success
  type: list
  elements: str
  sample: [clean, px-20260131-235959]
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CHECKPOINTS, SSH
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import checkpoints, quiescing
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import Patience
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline

ARGUMENTS: dict[str, t.Any] = {
    **SSH,
    **CHECKPOINTS,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "label": {"type": "str"},
    "keep": {"type": "int"},
    "quiesce": {"type": "str", "choices": ["none", "stop"], "default": "none"},
    "stop_timeout": {"type": "float", "default": 30},
    "force": {"type": "bool", "default": False},
    "wait": {"type": "str", "choices": ["none", "running", "address", "ssh", "ready"], "default": "address"},
    "wait_timeout": {"type": "float", "default": 600},
}

RULES: dict[str, t.Any] = {"required_if": [("state", "absent", ["label"])]}


def run(task: Task) -> dict[str, t.Any]:
    params, pixels = task.params, task.pixels
    deadline = Deadline(params["wait_timeout"])
    wanted = checkpoints.Wanted(params["state"], params["label"], params["keep"])
    if wanted.label is not None and wanted.state == "present":
        checkpoints.check_label(wanted.label)
    container = pixels.find(params["name"])
    if container is None and wanted.state == "absent":
        return {**Change(None, None).result(), "label": wanted.label, "pruned": [], "checkpoints": []}
    container = container or pixels.get(params["name"])
    planned = checkpoints.plan(pixels, container, checkpoints.of(pixels, container), wanted)
    label = planned.label
    if planned.change.needed and not task.check_mode:
        limits = Patience(
            stop_timeout=params["stop_timeout"],
            force=params["force"],
            wait=params["wait"],
            ssh_port=task.ssh.port,
        )
        quiet = params["quiesce"] == "stop" and wanted.state == "present" and label is not None
        with quiescing.stopped(pixels, container, patience=limits, deadline=deadline, really=quiet):
            label = checkpoints.apply(pixels, container, planned, wanted)
    return {**planned.change.result(), **summary(planned, wanted, label)}


def summary(planned: checkpoints.Plan, wanted: checkpoints.Wanted, label: str | None) -> dict[str, t.Any]:
    after = [label if each == planned.label else each for each in (planned.change.after or {})["checkpoints"]]
    return {
        "label": label or wanted.label,
        "pruned": [each.label for each in planned.pruned],
        "checkpoints": after,
    }


def main() -> None:
    PixelsModule(ARGUMENTS, **RULES).execute(run)


if __name__ == "__main__":
    main()
