#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, delete and prune checkpoints of a pixel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_checkpoint
short_description: Create or delete a checkpoint of a pixel
version_added: 1.0.0
description:
  - Creates or deletes a checkpoint of a pixel. A checkpoint is a ZFS snapshot of the files of the pixel.
  - A new checkpoint takes no space. It grows as the files of the pixel change.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  state:
    description:
      - V(present) creates the checkpoint O(label) if it does not exist.
      - V(absent) deletes the checkpoint. The task fails if the checkpoint has clones or is held.
    type: str
    choices: [present, absent]
    default: present
  label:
    description:
      - Name of the checkpoint. Letters, digits, underscores, dots, colons and dashes are allowed. The first character
        is a letter or a digit.
      - If omitted, every run creates a checkpoint that is named after the current time in UTC, such as
        V(px-20260131-235959).
      - Required with O(state=absent).
    type: str
  keep:
    description:
      - Number of checkpoints to keep. The oldest checkpoints in excess of this number are deleted.
      - Counts and deletes only checkpoints created by this collection. Checkpoints that have clones or are held are
        not deleted, nor are snapshots of the snapshot tasks on the NAS.
      - If omitted, no checkpoint is deleted.
    type: int
  quiesce:
    description:
      - V(none) takes the checkpoint while the pixel runs. The result is the same as after a power failure.
      - V(stop) stops the pixel before the checkpoint is taken, and starts it again afterwards. If the module is
        interrupted, the next run starts the pixel.
    type: str
    choices: [none, stop]
    default: none
extends_documentation_fragment:
  - pixels.truenas.name
  - pixels.truenas.connection
  - pixels.truenas.checkpoints
  - pixels.truenas.run_state
  - pixels.truenas.ssh
  - pixels.truenas.attributes
  - pixels.truenas.attributes.resource
attributes:
  idempotent:
    support: partial
    details: Every run without O(label) creates a checkpoint.
seealso:
  - module: pixels.truenas.pixels_checkpoint_info
  - module: pixels.truenas.pixels_checkpoint_restore
  - module: pixels.truenas.pixels_container
    description: The option O(pixels.truenas.pixels_container#module:from) creates a pixel from a checkpoint.
"""

EXAMPLES = r"""
- name: Create a checkpoint of each pixel (in a play for pixels of the inventory)
  pixels.truenas.pixels_checkpoint:
    label: before-upgrade

- name: Create a checkpoint named after the current time, and keep the newest five
  pixels.truenas.pixels_checkpoint:
    name: web
    keep: 5

- name: Create a checkpoint while the pixel is stopped
  pixels.truenas.pixels_checkpoint:
    name: web
    label: clean
    quiesce: stop

- name: Delete a checkpoint
  pixels.truenas.pixels_checkpoint:
    name: web
    label: clean
    state: absent
"""

RETURN = r"""
label:
  description:
    - Label of the checkpoint that exists or was deleted.
    - In check mode, the time in a generated label is only a prediction.
  returned: success
  type: str
  sample: px-20260131-235959
pruned:
  description: Labels of the checkpoints that were deleted because of O(keep).
  returned: success
  type: list
  elements: str
  sample: []
checkpoints:
  description:
    - Labels of all checkpoints after the task, oldest first.
    - In check mode, the labels that would exist.
  returned: success
  type: list
  elements: str
  sample: [clean, px-20260131-235959]
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CHECKPOINTS, RUN_STATE, SSH
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.pixel_options import apply_options
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import checkpoints
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import failure_report, quiesce

ARGUMENTS: dict[str, t.Any] = {
    **SSH,
    **CHECKPOINTS,
    **RUN_STATE,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "label": {"type": "str"},
    "keep": {"type": "int"},
    "quiesce": {"type": "str", "choices": ["none", "stop"], "default": "none"},
}

RULES: dict[str, t.Any] = {"required_if": [("state", "absent", ["label"])]}


def run(task: Task) -> dict[str, t.Any]:
    """Create or delete a checkpoint, prune old ones, and return the remaining labels."""
    params, pixels = task.params, task.pixels
    deadline = Deadline(params["wait_timeout"])
    wanted = checkpoints.CheckpointSpec(params["state"], params["label"], params["keep"])
    if wanted.label is not None and wanted.state == "present":
        checkpoints.check_label(wanted.label)
    container = pixels.find(params["name"])
    if container is None and wanted.state == "absent":
        return {**Change(None, None).result(), "label": wanted.label, "pruned": [], "checkpoints": []}
    container = (container and pixels.settled(container)) or pixels.get(params["name"])
    planned = checkpoints.plan(pixels, container, checkpoints.list_checkpoints(pixels, container), wanted)
    checkpoints.reject_protected(pixels, container, planned)
    label = planned.label
    if planned.change.needed and not task.check_mode:
        limits = apply_options(params, task.ssh.port)
        quiet = params["quiesce"] == "stop" and wanted.state == "present" and label is not None
        with (
            failure_report.reporting_state(pixels, container.name),
            quiesce.quiesced(pixels, container, options=limits, deadline=deadline, enabled=quiet) as done,
        ):
            label = checkpoints.apply(pixels, container, planned, wanted)
            if label is not None:
                done.append(f"checkpoint {label} of {params['name']} was taken")
    return {**planned.change.result(), **summary(planned, wanted, label)}


def summary(
    planned: checkpoints.CheckpointPlan, wanted: checkpoints.CheckpointSpec, label: str | None
) -> dict[str, t.Any]:
    """Return the labels for the result; `label` replaces the predicted one where the time in it has changed."""
    after = [label if each == planned.label else each for each in (planned.change.after or {})["checkpoints"]]
    return {
        "label": label or wanted.label,
        "pruned": [each.label for each in planned.pruned],
        "checkpoints": after,
    }


def main() -> None:
    """Run the module in a process of its own, without the action plugin."""
    PixelsModule(ARGUMENTS, **RULES).execute(run)


if __name__ == "__main__":
    main()
