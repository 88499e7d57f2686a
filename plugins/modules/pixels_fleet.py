#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, change or destroy many pixels with one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_fleet
short_description: Create, change or destroy many pixels
version_added: 1.0.0
description:
  - Manages a list of pixels, several at a time over one login to the NAS.
  - If a pixel fails, the module continues with the others. The task then fails, and its message lists the pixels that
    failed with their errors.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  pixels:
    description:
      - List of pixels. Each entry is a name, or a dictionary of options of M(pixels.truenas.pixels_container).
      - Connection options are set for the whole task and cannot be set for single pixels.
      - Required unless O(count) is set.
    type: list
    elements: raw
  count:
    description:
      - Number of pixels to add to O(pixels), with names from O(name). With O(prune=true), a smaller number than before
        destroys the pixels with the highest numbers.
    type: int
  name:
    description:
      - Names of the pixels that O(count) adds. V({n}) becomes a number from 1, V({n:03}) the same with three digits.
    type: str
    default: "pixel-{n}"
  defaults:
    description:
      - Options of M(pixels.truenas.pixels_container) for all pixels. Options of an entry in O(pixels) take precedence.
    type: dict
    default: {}
  state:
    description:
      - State of pixels that do not set a state in O(pixels). See O(pixels.truenas.pixels_container#module:state) for
        the values.
      - Defaults to the state in O(defaults), then to V(started).
    type: str
    choices: [present, started, stopped, restarted, absent]
  fleet:
    description:
      - Name of the fleet, recorded on the NAS with each pixel.
      - If omitted, the fleets of existing pixels are unchanged.
    type: str
  prune:
    description:
      - Set to V(true) to destroy pixels that are recorded as members of O(fleet) and are not listed in O(pixels).
      - Requires O(fleet).
    type: bool
    default: false
  replace:
    description:
      - How to handle pixels that differ in what cannot be changed, which are image, storage pool and source of a clone.
      - V(never) fails for these pixels.
      - V(rolling) destroys them with their checkpoints and creates them again, O(batch_size) at a time, after all other
        pixels. The first failure stops it, and the pixels that are left are unchanged.
    type: str
    choices: [never, rolling]
    default: never
  batch_size:
    description: Number of pixels that O(replace=rolling) replaces at the same time.
    type: int
    default: 1
  health_command:
    description:
      - Command that succeeds in a healthy pixel, as a list of its arguments, for O(replace=rolling). It runs as root,
        through the web shell of the NAS.
      - It runs in all other running pixels before the first one is replaced, and in each new pixel before the next ones
        are replaced.
    type: list
    elements: str
    default: []
  health_timeout:
    description: Seconds within which O(health_command) has to succeed. It is run again until then.
    type: float
    default: 60
  concurrency:
    description:
      - Maximum number of pixels to change at the same time. TrueNAS runs up to ten calls of a session at the same time.
      - New pixels are not counted while the module waits for their address, SSH server or init system. Existing
        pixels are counted until the wait has ended, so V(1) changes them one after the other.
    type: int
    default: 8
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.checkpoints
  - pixels.truenas.ssh
  - pixels.truenas.attributes
  - pixels.truenas.attributes.resource
attributes:
  idempotent:
    support: partial
    details: Every run with O(state=restarted) restarts the pixels.
seealso:
  - module: pixels.truenas.pixels_container
"""

EXAMPLES = r"""
- name: Create agent-1 to agent-50, and destroy the others of the fleet
  pixels.truenas.pixels_fleet:
    fleet: agents
    count: 50
    name: agent-{n}
    prune: true

- name: Create thirty pixels, and wait until they are reachable over SSH
  pixels.truenas.pixels_fleet:
    fleet: agents
    defaults:
      image: debian/12
      memory: 4GiB
      provision: true
      wait: ssh
    pixels: "{{ range(1, 31) | map('regex_replace', '^', 'agent-') | list }}"

- name: Change one member of the fleet, and destroy members that are not listed
  pixels.truenas.pixels_fleet:
    fleet: agents
    prune: true
    pixels:
      - agent-1
      - name: agent-2
        memory: 16GiB
        labels: {role: builder}

- name: Create twenty clones of a checkpoint
  pixels.truenas.pixels_fleet:
    defaults:
      from: base@ready
    pixels: "{{ range(1, 21) | map('regex_replace', '^', 'agent-') | list }}"

- name: Replace the pixels that were created from another image, two at a time
  pixels.truenas.pixels_fleet:
    fleet: web
    count: 6
    name: web-{n}
    defaults:
      image: debian/13
    replace: rolling
    batch_size: 2
    health_command: [systemctl, is-active, nginx]

- name: Destroy two pixels
  pixels.truenas.pixels_fleet:
    pixels: [agent-1, agent-2]
    state: absent
"""

RETURN = r"""
pixels:
  description: Result for each pixel, in the order of O(pixels). Pixels destroyed because of O(prune) come last.
  returned: when the options are valid
  type: list
  elements: dict
  contains:
    name:
      description: Name of the pixel.
      type: str
      sample: agent-1
    outcome:
      description: V(created), V(changed), V(unchanged), V(replaced), V(destroyed) or V(failed).
      type: str
      sample: created
    changed:
      description: Whether the pixel was changed, or would be changed in check mode.
      type: bool
      sample: true
    msg:
      description: Error message, or why the pixel was not replaced.
      returned: when the pixel failed or was not replaced
      type: str
    container:
      description:
        - The pixel after the task. C(null) if it does not exist.
        - See RV(pixels.truenas.pixels_container#module:container) for the keys.
      type: dict
summary:
  description: Number of pixels by outcome.
  returned: when the options are valid
  type: dict
  sample: {changed: 0, created: 30, destroyed: 0, failed: 0, replaced: 0, unchanged: 0}
"""

import re
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CHECKPOINTS, SSH
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.pixel_options import (
    SPECIFICATION,
    apply_options,
    pixel_spec,
)
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Params, Task
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import serialize
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import fleet, rolling
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions

ARGUMENTS: dict[str, t.Any] = {
    **SSH,
    **CHECKPOINTS,
    "pixels": {"type": "list", "elements": "raw"},
    "count": {"type": "int"},
    "name": {"type": "str", "default": "pixel-{n}"},
    "defaults": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["present", "started", "stopped", "restarted", "absent"]},
    "fleet": {"type": "str"},
    "prune": {"type": "bool", "default": False},
    "replace": {"type": "str", "choices": ["never", "rolling"], "default": "never"},
    "batch_size": {"type": "int", "default": 1},
    "health_command": {"type": "list", "elements": "str", "default": []},
    "health_timeout": {"type": "float", "default": 60},
    "concurrency": {"type": "int", "default": 8},
}

RULES: dict[str, t.Any] = {"required_if": [("prune", True, ["fleet"])], "required_one_of": [("pixels", "count")]}

MAX_COUNT = 10_000

NUMBER = re.compile(r"\{n(?::0(\d))?\}", re.ASCII)

OUTCOMES = ("created", "changed", "unchanged", "replaced", "destroyed", "failed")


def run(task: Task) -> dict[str, t.Any]:
    """Apply the requested state of all pixels, and return the result for each."""
    params = task.params
    if params["concurrency"] < 1:
        raise Invalid(
            "concurrency is invalid: it is less than 1. Set it to 1 or more", fields=(("concurrency", "less than 1"),)
        )
    members = [member(task, entry) for entry in [*(params["pixels"] or ()), *numbered(params)]]
    fleet.reject_duplicates(members)
    if params["prune"]:
        members += fleet.unlisted_members(task.pixels, params["fleet"], members, options=ApplyOptions())
    roll = rolling.Rolling(params["batch_size"], tuple(params["health_command"]), params["health_timeout"])
    plan = rolling.plan if params["replace"] == "rolling" else fleet.plan
    plans = plan(task.pixels, members, concurrency=params["concurrency"], warn=task.warn)
    if task.check_mode:
        outcomes = fleet.predict(task.pixels, plans, warn=task.warn)
    else:
        outcomes = rolling.apply(task.pixels, plans, roll, concurrency=params["concurrency"], say=task.say)
    return report(outcomes, task.pixels)


def numbered(params: Params) -> list[str]:
    """Return the names of the pixels that `count` adds. Raises `Invalid`."""
    count, name = params["count"], params["name"]
    if count is None:
        return []
    if not 0 <= count <= MAX_COUNT:
        raise Invalid.in_field("count", "count is invalid", f"set it to a number from 0 to {MAX_COUNT}")
    field = NUMBER.search(name)
    if field is None or len(NUMBER.findall(name)) > 1:
        raise Invalid.in_field("name", f"the name {name!r} is invalid", "use {n} once, such as agent-{n}")
    return [f"{name[: field.start()]}{number:0{field[1] or 1}}{name[field.end() :]}" for number in range(1, count + 1)]


def member(task: Task, entry: t.Any) -> fleet.Member:
    """Return a member with the options of an entry and all defaults. Raises `Invalid` with the name of the entry."""
    own = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(own, t.Mapping) or not own.get("name"):
        problem = f"{entry!r} has no name. Set it to a name, or to a dictionary with the key name"
        raise Invalid(f"an entry of pixels is invalid: {problem}", fields=(("pixels", "no name"),))
    state = {"state": task.params["state"]} if task.params["state"] else {}
    fleet_name = {"fleet": task.params["fleet"]} if task.params["fleet"] else {}
    checked = ArgumentSpecValidator(SPECIFICATION).validate({**task.params["defaults"], **state, **own, **fleet_name})
    if checked.error_messages:
        problem = "; ".join(checked.error_messages)
        raise Invalid.in_field("pixels", f"the entry of {own['name']} is invalid", problem)
    options = checked.validated_parameters
    return fleet.Member(
        pixel_spec(options, task.ssh), apply_options(options, task.ssh.port), wait_timeout=options["wait_timeout"]
    )


def report(outcomes: t.Sequence[fleet.Outcome], pixels: Pixels) -> dict[str, t.Any]:
    """Return the result of the task, which fails if a pixel failed."""
    rows = [row(outcome, pixels) for outcome in outcomes]
    result: dict[str, t.Any] = {
        "changed": any(each["changed"] for each in rows),
        "diff": [
            difference(outcome) for outcome in outcomes if outcome.planned.change and outcome.planned.change.needed
        ],
        "pixels": rows,
        "summary": {outcome: [each["outcome"] for each in rows].count(outcome) for outcome in OUTCOMES},
    }
    failed = [each for each in rows if each["outcome"] == "failed"]
    if failed:
        reasons = "\n".join(f"{each['name']}: {each['msg']}" for each in failed)
        result.update(failed=True, msg=f"{len(failed)} of {len(rows)} pixels on {pixels.nas} failed\n{reasons}")
        stands = rolling.summary(outcomes)
        if stands:
            result["msg"] += f"\n{stands}"
    return result


def row(outcome: fleet.Outcome, pixels: Pixels) -> dict[str, t.Any]:
    """Return the result for one pixel."""
    change = outcome.planned.change
    result: dict[str, t.Any] = {
        "name": outcome.planned.name,
        "outcome": outcome.result,
        "changed": bool(change and change.needed and not outcome.skipped),
        "container": outcome.container and serialize.container(outcome.container, pixels),
    }
    if outcome.error or outcome.skipped:
        result["msg"] = str(outcome.error or outcome.skipped)
    return result


def difference(outcome: fleet.Outcome) -> dict[str, t.Any]:
    """Return the diff of one pixel, with its name as the header."""
    change = outcome.planned.change
    sides = change.result()["diff"] if change else {}
    return {**sides, "before_header": outcome.planned.name, "after_header": outcome.planned.name}


def main() -> None:
    """Run the module in a process of its own, without the action plugin."""
    PixelsModule(ARGUMENTS, **RULES).execute(run)


if __name__ == "__main__":
    main()
