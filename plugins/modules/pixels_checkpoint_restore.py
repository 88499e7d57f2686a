#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore a pixel to a checkpoint."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_checkpoint_restore
short_description: Restore a pixel to a checkpoint
version_added: 1.0.0
description:
  - Stops a pixel, restores its files from a checkpoint, and starts the pixel again if it was running.
  - The module checks all preconditions before it stops the pixel. If a step fails, the module reverts the previous
    steps, starts the pixel if it was running, and reports the state of the files as far as it is known.
  - If a restore with O(safety) is interrupted, the next operation on the pixel completes it. No data is lost.
  - Every run restores the checkpoint, because the module cannot detect changes made since the checkpoint.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  label:
    description:
      - Label of the checkpoint to restore.
    type: str
    required: true
  discard_newer:
    description:
      - Set to V(true) to allow the restore to destroy newer checkpoints. ZFS cannot roll back without destroying
        them. If V(false), the task fails if newer checkpoints exist.
      - The task always fails if a newer checkpoint has clones or is held.
      - Not needed with O(safety=true).
    type: bool
    default: false
  safety:
    description:
      - Set to V(true) to keep the current state as a checkpoint with a label such as V(px-safety-20260131-235959).
        The current dataset is set aside with all newer checkpoints, so none of them is destroyed.
      - The kept checkpoint is listed with the others and can be restored. Restoring it sets the state at that time
        aside in the same way.
      - The dataset that was set aside is deleted with its last checkpoint.
      - Requires an account with the role C(FULL_ADMIN). Not supported on TrueNAS 26.
    type: bool
    default: false
  started:
    description:
      - Whether the pixel runs after the restore.
      - If omitted, the pixel is started if it was running, or if an earlier restore was interrupted after stopping it.
    type: bool
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
    support: none
    details: Every run restores the checkpoint.
seealso:
  - module: pixels.truenas.pixels_checkpoint
  - module: pixels.truenas.pixels_container
    description: The option O(pixels.truenas.pixels_container#module:from) creates a pixel from a checkpoint.
"""

EXAMPLES = r"""
- name: Restore a checkpoint and keep the current state
  pixels.truenas.pixels_checkpoint_restore:
    name: web
    label: before-upgrade
    safety: true

- name: Restore a checkpoint and destroy newer checkpoints
  pixels.truenas.pixels_checkpoint_restore:
    name: web
    label: before-upgrade
    discard_newer: true
    wait: ssh

- name: Upgrade, and restore the checkpoint on failure (in a play for pixels of the inventory)
  block:
    - name: Create a checkpoint
      pixels.truenas.pixels_checkpoint:
        label: before-upgrade

    - name: Upgrade all packages
      ansible.builtin.apt:
        upgrade: dist
  rescue:
    - name: Restore the checkpoint
      pixels.truenas.pixels_checkpoint_restore:
        label: before-upgrade
        wait: ssh
"""

RETURN = r"""
restored_to:
  description: Label of the restored checkpoint.
  returned: success
  type: str
  sample: before-upgrade
safety:
  description: Label under which the previous state was kept. C(null) if it was not kept.
  returned: success
  type: str
  sample: px-safety-20260131-235959
discarded:
  description: Labels of the newer checkpoints that were destroyed.
  returned: success
  type: list
  elements: str
  sample: []
container:
  description:
    - The pixel after the task. In check mode, the pixel before the task.
    - See RV(pixels.truenas.pixels_container#module:container) for the keys.
  returned: success
  type: dict
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CHECKPOINTS, RUN_STATE, SSH
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.pixel_options import apply_options
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import serialize
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import restorer
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline

ARGUMENTS: dict[str, t.Any] = {
    **SSH,
    **CHECKPOINTS,
    **RUN_STATE,
    "name": {"type": "str", "required": True},
    "label": {"type": "str", "required": True},
    "discard_newer": {"type": "bool", "default": False},
    "safety": {"type": "bool", "default": False},
    "started": {"type": "bool"},
}


def run(task: Task) -> dict[str, t.Any]:
    """Restore the pixel to the checkpoint, and return its state."""
    params, pixels = task.params, task.pixels
    deadline = Deadline(params["wait_timeout"])
    wanted = restorer.RestoreSpec(
        params["label"],
        safety=params["safety"],
        discard_newer=params["discard_newer"],
        started=params["started"],
        unprotect=params["force"],
    )
    found: t.Any = pixels.get(params["name"])
    planned = restorer.plan_restore(pixels, found, wanted)
    safety = planned.safety
    if not task.check_mode:
        limits = apply_options(params, task.ssh.port)
        found, safety = restorer.restore(pixels, found, planned, options=limits, deadline=deadline)
    return {
        **planned.change.result(),
        "restored_to": planned.target.label,
        "safety": safety,
        "discarded": list(planned.discarded),
        "container": found and serialize.container(found, pixels),
    }


def main() -> None:
    """Run the module in a process of its own, without the action plugin."""
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
