#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Destroy the pixels whose lifetime has ended, and stop those that are idle."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_reap
short_description: Destroy expired pixels, and stop idle ones
version_added: 1.0.0
description:
  - Destroys the pixels that have expired by the clock of the NAS, with their checkpoints. Pixels with the option
    O(pixels.truenas.pixels_container#module:ttl_keep) are stopped first, and destroyed later.
  - Pixels without a lifetime, protected pixels, and pixels that other pixels were cloned from are never destroyed,
    unless O(clones) says otherwise.
  - Stops the pixels that were idle for longer than the option O(pixels.truenas.pixels_container#module:idle_stop) of
    the pixel. How long a pixel is idle is measured in it by each run, through the web shell of the NAS.
  - Run it regularly, for example from cron. In check mode, it returns what it would do.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  clones:
    description:
      - How to handle clones of the checkpoints of an expired pixel. See
        O(pixels.truenas.pixels_container#module:clones). With V(refuse), the pixel is kept.
    type: str
    choices: [refuse, promote, leave]
    default: refuse
  stop_timeout:
    description:
      - Seconds to wait for a graceful stop before the pixel is killed.
    type: float
    default: 30
  concurrency:
    description:
      - Maximum number of pixels to destroy at the same time.
    type: int
    default: 8
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.checkpoints
  - pixels.truenas.attributes
  - pixels.truenas.attributes.resource
attributes:
  idempotent:
    support: full
seealso:
  - module: pixels.truenas.pixels_container
    description: The option O(pixels.truenas.pixels_container#module:ttl) sets the lifetime of a pixel.
"""

EXAMPLES = r"""
- name: Destroy expired pixels
  pixels.truenas.pixels_reap:
  register: result

- name: Show what was done
  ansible.builtin.debug:
    var: result.pixels
"""

RETURN = r"""
pixels:
  description:
    - The expired and idle pixels, sorted by name. In check mode, also those that are not idle for long enough, with the
      reason.
  returned: success or failure of a pixel
  type: list
  elements: dict
  contains:
    name:
      description: Name of the pixel.
      type: str
      sample: scratch
    action:
      description: V(destroy), V(stop) or V(keep).
      type: str
      sample: destroy
    reason:
      description: Why this was done.
      type: str
      sample: it expired 2h5m ago
    msg:
      description: Error message.
      returned: when the action failed
      type: str
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CHECKPOINTS
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import lifetimes
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions

ARGUMENTS: dict[str, t.Any] = {
    **CHECKPOINTS,
    "clones": {"type": "str", "choices": ["refuse", "promote", "leave"], "default": "refuse"},
    "stop_timeout": {"type": "float", "default": 30},
    "concurrency": {"type": "int", "default": 8},
}


def run(task: Task) -> dict[str, t.Any]:
    """Destroy or stop the expired pixels, and return what was done with each."""
    params, pixels = task.params, task.pixels
    concurrency = params["concurrency"]
    if concurrency < 1:
        raise Invalid.in_field("concurrency", "concurrency is invalid", "set it to 1 or more")
    options = ApplyOptions(stop_timeout=params["stop_timeout"], wait="none")
    expired = lifetimes.find_due(
        pixels, clones=params["clones"], options=options, concurrency=concurrency, dry_run=task.check_mode
    )
    if not task.check_mode:
        expired = lifetimes.reap(pixels, expired, concurrency=concurrency, say=task.say)
    rows = [row(each) for each in expired]
    found: dict[str, t.Any] = {
        "changed": any(each.action != lifetimes.KEEP and not each.error for each in expired),
        "diff": [difference(each) for each in expired if each.action != lifetimes.KEEP],
        "pixels": rows,
    }
    failed = [each for each in rows if "msg" in each]
    if failed:
        reasons = "\n".join(f"{each['name']}: {each['msg']}" for each in failed)
        found.update(failed=True, msg=f"{len(failed)} of {len(rows)} pixels on {pixels.nas} failed\n{reasons}")
    return found


def row(expired: lifetimes.Expired) -> dict[str, t.Any]:
    """Return the result for one pixel."""
    shown = {"name": expired.name, "action": expired.action, "reason": expired.reason}
    return {**shown, "msg": str(expired.error)} if expired.error else shown


def difference(expired: lifetimes.Expired) -> dict[str, t.Any]:
    """Return the diff of one pixel, with its name as the header."""
    planned = expired.planned
    sides = planned.change.result()["diff"] if planned and planned.change else {}
    return {**sides, "before_header": expired.name, "after_header": expired.name}


def main() -> None:
    """Run the module in a process of its own, without the action plugin."""
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
