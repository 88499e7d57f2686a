#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates, changes and destroys many pixels at once."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_fleet
short_description: Create, change or destroy many pixels at once
version_added: 1.0.0
description:
  - Brings a list of pixels to the state it describes, several at a time over one login.
  - A pixel that fails does not stop the others; the task fails at its end, naming each that failed with the reason.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  pixels:
    description:
      - The pixels, each a dictionary with the options of M(pixels.truenas.pixels_container), or only a name.
      - Connection options are those of this task, for all of them.
    type: list
    elements: raw
    required: true
  defaults:
    description:
      - Options of M(pixels.truenas.pixels_container) for all pixels; what a pixel says itself comes first.
    type: dict
    default: {}
  state:
    description:
      - State of all pixels that do not have one of their own.
      - Left out, it is the one in O(defaults), else V(started).
    type: str
    choices: [present, started, stopped, restarted, absent]
  fleet:
    description:
      - Name of this fleet, noted on the NAS with every pixel, so that any controller knows its members.
      - Left out, nothing is noted, and there is nothing to O(prune).
    type: str
  prune:
    description:
      - Whether pixels of O(fleet) that are not listed are destroyed. Pixels without the note of this fleet never are.
    type: bool
    default: false
  concurrency:
    description:
      - How many pixels are worked on at a time. TrueNAS runs ten calls of one session at once.
      - A new pixel does not count any more once it runs and is only waited for; one that was there counts until it is
        where it should be, so that V(1) changes one after the other.
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
    details: O(state=restarted) restarts every time.
seealso:
  - module: pixels.truenas.pixels_container
"""

EXAMPLES = r"""
- name: Thirty agents, reachable over SSH when the task is done
  pixels.truenas.pixels_fleet:
    fleet: agents
    defaults:
      image: debian/12
      memory: 4GiB
      provision: true
      wait: ssh
    pixels: "{{ range(1, 31) | map('regex_replace', '^', 'agent-') | list }}"

- name: The same fleet with one of another size, and without those that are not listed any more
  pixels.truenas.pixels_fleet:
    fleet: agents
    prune: true
    pixels:
      - agent-1
      - name: agent-2
        memory: 16GiB
        labels: {role: builder}

- name: Twenty clones of one pixel as it was saved
  pixels.truenas.pixels_fleet:
    defaults:
      from: base@ready
    pixels: "{{ range(1, 21) | map('regex_replace', '^', 'agent-') | list }}"

- name: Destroy a few
  pixels.truenas.pixels_fleet:
    pixels: [agent-1, agent-2]
    state: absent
"""

RETURN = r"""
pixels:
  description: How it went with each, in the order of the list, those that were pruned last.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the pixel.
      type: str
      sample: agent-1
    outcome:
      description: V(created), V(changed), V(unchanged), V(destroyed) or V(failed).
      type: str
      sample: created
    changed:
      description: Whether it was, or would be, changed.
      type: bool
      sample: true
    msg:
      description: Why it failed.
      returned: when it failed
      type: str
    container:
      description: The pixel as M(pixels.truenas.pixels_container) returns it, null when it is gone or not there yet.
      type: dict
summary:
  description: How many had which outcome.
  returned: when the options make sense
  type: dict
  sample: {changed: 0, created: 30, destroyed: 0, failed: 0, unchanged: 0}
"""

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CHECKPOINTS, SSH
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.specification import (
    SPECIFICATION,
    patience,
    wanted,
)
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import fleet, show
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import Patience
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels

ARGUMENTS: dict[str, t.Any] = {
    **SSH,
    **CHECKPOINTS,
    "pixels": {"type": "list", "elements": "raw", "required": True},
    "defaults": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["present", "started", "stopped", "restarted", "absent"]},
    "fleet": {"type": "str"},
    "prune": {"type": "bool", "default": False},
    "concurrency": {"type": "int", "default": 8},
}

RULES: dict[str, t.Any] = {"required_if": [("prune", True, ["fleet"])]}

WORDS = ("created", "changed", "unchanged", "destroyed", "failed")


def run(task: Task) -> dict[str, t.Any]:
    params = task.params
    if params["concurrency"] < 1:
        raise Invalid("concurrency is at least 1", fields=(("concurrency", "less than 1"),))
    members = [member(task, entry) for entry in params["pixels"]]
    fleet.refuse_doubles(members)
    if params["prune"]:
        members += fleet.leftovers(task.pixels, params["fleet"], members, patience=Patience())
    plans = fleet.plan(task.pixels, members, concurrency=params["concurrency"], warn=task.warn)
    if task.check_mode:
        outcomes = [
            fleet.Outcome(planned, planned.found and planned.found.container, planned.error) for planned in plans
        ]
    else:
        outcomes = fleet.converge(task.pixels, plans, concurrency=params["concurrency"], say=task.say)
    return report(outcomes, task.pixels)


def member(task: Task, entry: t.Any) -> fleet.Member:
    """One entry of the list with what it leaves out. Raises C(Invalid), naming it."""
    own = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(own, t.Mapping) or not own.get("name"):
        raise Invalid(f"each pixel is a name or a dictionary with one, not {entry!r}", fields=(("pixels", "no name"),))
    state = {"state": task.params["state"]} if task.params["state"] else {}
    note = {"fleet": task.params["fleet"]} if task.params["fleet"] else {}
    checked = ArgumentSpecValidator(SPECIFICATION).validate({**task.params["defaults"], **state, **own, **note})
    if checked.error_messages:
        problem = "; ".join(checked.error_messages)
        raise Invalid(f"pixel {own['name']}: {problem}", fields=(("pixels", problem),))
    options = checked.validated_parameters
    return fleet.Member(
        wanted(options, task.ssh), patience(options, task.ssh.port), wait_timeout=options["wait_timeout"]
    )


def report(outcomes: t.Sequence[fleet.Outcome], pixels: Pixels) -> dict[str, t.Any]:
    rows = [row(outcome, pixels) for outcome in outcomes]
    result: dict[str, t.Any] = {
        "changed": any(each["changed"] for each in rows),
        "diff": [
            difference(outcome) for outcome in outcomes if outcome.planned.change and outcome.planned.change.needed
        ],
        "pixels": rows,
        "summary": {word: [each["outcome"] for each in rows].count(word) for word in WORDS},
    }
    failed = [each for each in rows if each["outcome"] == "failed"]
    if failed:
        reasons = "\n".join(f"{each['name']}: {each['msg']}" for each in failed)
        result.update(failed=True, msg=f"{len(failed)} of {len(rows)} pixels on {pixels.nas} failed\n{reasons}")
    return result


def row(outcome: fleet.Outcome, pixels: Pixels) -> dict[str, t.Any]:
    change = outcome.planned.change
    shown: dict[str, t.Any] = {
        "name": outcome.planned.name,
        "outcome": outcome.word,
        "changed": bool(change and change.needed),
        "container": outcome.container and show.container(outcome.container, pixels),
    }
    if outcome.error:
        shown["msg"] = str(outcome.error)
    return shown


def difference(outcome: fleet.Outcome) -> dict[str, t.Any]:
    change = outcome.planned.change
    sides = change.result()["diff"] if change else {}
    return {**sides, "before_header": outcome.planned.name, "after_header": outcome.planned.name}


def main() -> None:
    PixelsModule(ARGUMENTS, **RULES).execute(run)


if __name__ == "__main__":
    main()
