#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts one pixel back to a checkpoint."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_checkpoint_restore
short_description: Put a pixel back to a checkpoint
version_added: 1.0.0
description:
  - Stops a pixel, puts its files back to what they were at a checkpoint, and starts it again if it ran.
  - What stands in the way is found before anything is stopped. When a step fails, what was done is taken back, the
    pixel runs again if it ran before, and the message says what became of its files as far as that is known.
  - A restore with O(safety) that was broken off is finished by whatever comes next, without any loss.
  - This does something every time, since what happened after the checkpoint cannot be compared.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  name:
    description:
      - Name of the pixel. Run for a pixel of the inventory, it is that pixel.
    type: str
    required: true
  label:
    description:
      - Checkpoint to go back to.
    type: str
    required: true
  discard_newer:
    description:
      - Rolling back destroys the checkpoints that are newer. Whether that may happen; otherwise it is refused.
      - One that something was cloned from, or that is held, is never destroyed.
    type: bool
    default: false
  safety:
    description:
      - Whether to keep the present state. It becomes a checkpoint with a name such as V(px-safety-20260131-235959),
        and stays with all newer checkpoints in a dataset that is set aside, so none is in the way or lost.
      - It is listed with the others, can be restored like them, and goes when its last checkpoint is deleted.
        To restore it sets aside, again, what is there then.
      - Needs an account with full rights, and is not possible on TrueNAS 26.
    type: bool
    default: false
  started:
    description:
      - Whether the pixel is to run afterwards.
      - Left out, it does if it did before.
    type: bool
  stop_timeout:
    description:
      - Seconds a pixel has to stop when asked to.
    type: float
    default: 30
  force:
    description:
      - Whether to kill it instead of asking it to stop. What it has in memory is lost anyway.
    type: bool
    default: false
  wait:
    description:
      - How far a pixel that should run must have come for the task to be done.
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
    support: none
    details: It restores every time.
seealso:
  - module: pixels.truenas.pixels_checkpoint
  - module: pixels.truenas.pixels_container
    description: Its option O(pixels.truenas.pixels_container#module:from) makes a new pixel from a checkpoint.
"""

EXAMPLES = r"""
- name: Go back, and keep what is there now
  pixels.truenas.pixels_checkpoint_restore:
    name: web
    label: before-upgrade
    safety: true

- name: Go back for good, whatever was saved since
  pixels.truenas.pixels_checkpoint_restore:
    name: web
    label: before-upgrade
    discard_newer: true
    wait: ssh

- name: Upgrade, and go back where that fails; in a play over pixels of the inventory
  block:
    - name: Save the state
      pixels.truenas.pixels_checkpoint:
        label: before-upgrade

    - name: Upgrade
      ansible.builtin.apt:
        upgrade: dist
  rescue:
    - name: Put it back
      pixels.truenas.pixels_checkpoint_restore:
        label: before-upgrade
        wait: ssh
"""

RETURN = r"""
restored_to:
  description: Label of the checkpoint the files are of.
  returned: success
  type: str
  sample: before-upgrade
safety:
  description: Label under which the state before was kept, null when it was not.
  returned: success
  type: str
  sample: px-safety-20260131-235959
discarded:
  description: Labels of the newer checkpoints that are gone.
  returned: success
  type: list
  elements: str
  sample: []
container:
  description: The pixel as M(pixels.truenas.pixels_container) returns it; in check mode as it is.
  returned: success
  type: dict
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CHECKPOINTS, SSH
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import restoring, show
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import Patience
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline

ARGUMENTS: dict[str, t.Any] = {
    **SSH,
    **CHECKPOINTS,
    "name": {"type": "str", "required": True},
    "label": {"type": "str", "required": True},
    "discard_newer": {"type": "bool", "default": False},
    "safety": {"type": "bool", "default": False},
    "started": {"type": "bool"},
    "stop_timeout": {"type": "float", "default": 30},
    "force": {"type": "bool", "default": False},
    "wait": {"type": "str", "choices": ["none", "running", "address", "ssh", "ready"], "default": "address"},
    "wait_timeout": {"type": "float", "default": 600},
}


def run(task: Task) -> dict[str, t.Any]:
    params, pixels = task.params, task.pixels
    deadline = Deadline(params["wait_timeout"])
    wanted = restoring.Wanted(
        params["label"], safety=params["safety"], discard_newer=params["discard_newer"], started=params["started"]
    )
    found: t.Any = pixels.get(params["name"])
    planned = restoring.find_way(pixels, found, wanted)
    safety = planned.safety
    if not task.check_mode:
        limits = Patience(
            stop_timeout=params["stop_timeout"],
            force=params["force"],
            wait=params["wait"],
            ssh_port=task.ssh.port,
        )
        found, safety = restoring.restore(pixels, found, planned, patience=limits, deadline=deadline)
    return {
        **planned.change.result(),
        "restored_to": planned.target.label,
        "safety": safety,
        "discarded": list(planned.discarded),
        "container": found and show.container(found, pixels),
    }


def main() -> None:
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
