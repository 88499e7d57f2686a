#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build a base that pixels are cloned from."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_base
short_description: Build a base that pixels are cloned from
version_added: 1.0.0
description:
  - Builds a base, a prepared pixel that M(pixels.truenas.pixels_container) clones with C(from=base:NAME) in seconds.
  - A base is built from a recipe. The digest of the recipe is recorded on the NAS. A later run with the same recipe
    changes nothing. With another recipe, a new version is built beside the earlier one, and replaces it once it is
    complete. Existing clones keep the version that they were cloned from.
  - A version of a base is a stopped pixel such as C(base-python-3) with a checkpoint C(ready). It is destroyed when a
    newer version is complete and no pixel is cloned from it. M(pixels.truenas.pixels_reap) never destroys it.
  - Bases that O(from) names are built first, as far as they have a recipe. If another client builds the base, the
    module waits for it.
  - If a build fails, what it has created is destroyed, and the earlier version remains the newest one.
  - Requires an account with the role C(FULL_ADMIN) and web shell access. TrueNAS 26 cannot clone pixels. There,
    declare the recipe in the configuration file. It is applied to each pixel that is created from the base, and this
    module changes nothing.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  name:
    description:
      - Name of the base. Up to 48 letters, digits and dashes.
      - Without O(image) and O(from), its recipe is that of the table C([bases.NAME]) in the configuration file. The
        recipes V(dev), V(python) and V(node) are built in.
    type: str
    required: true
  state:
    description:
      - V(present) builds the base unless its newest version was built from the same recipe.
      - V(rebuilt) builds a new version in every run, for example to update its packages.
      - V(absent) destroys all versions of the base.
    type: str
    choices: [present, rebuilt, absent]
    default: present
  image:
    description:
      - Image that the base is created from, such as V(ubuntu/24.04).
    type: str
  from:
    description:
      - Name of another base that the base is cloned from. If that base gets another recipe, this one is built again as
        well.
    type: str
  setup:
    description:
      - Script that root runs in the base. Its first line can name an interpreter. Otherwise C(/bin/sh) runs it.
      - It runs after O(egress) and O(provision) have been applied. If its exit status is not 0, the build fails, and
        the message ends with the last lines of its log.
    type: str
    default: ""
  description:
    description:
      - What the base is for. Another description does not build the base again.
    type: str
    default: ""
  version:
    description:
      - Any text, which is part of the recipe. Another text builds the base again.
    type: str
    default: ""
  egress:
    description:
      - Egress policy of the base while it is built, and of pixels that are cloned from it. See
        O(pixels.truenas.pixels_container#module:egress).
    type: raw
  provision:
    description:
      - Keys, user, SSH server and tools of the base, which its clones then have. Other tools, or other versions of them
        in the lock, build the base again. See O(pixels.truenas.pixels_container#module:provision).
    type: raw
  step:
    description:
      - V(all) builds the base in one task.
      - V(begin) leaves a new version running and returns its name as RV(build), so that other tasks can configure it
        over the connection plugin. V(finish) then completes it, and V(cancel) destroys it. All three steps must be
        tasks of one run of Ansible, with the same recipe. The playbook C(pixels.truenas.base) uses them.
      - Add what the other tasks do to O(version), so that a change builds the base again.
    type: str
    choices: [all, begin, finish, cancel]
    default: all
  clones:
    description:
      - How to handle pixels that were cloned from the base with O(state=absent). See
        O(pixels.truenas.pixels_container#module:clones).
    type: str
    choices: [refuse, promote, leave]
    default: refuse
  wait_timeout:
    description:
      - Timeout of the whole task in seconds. Other clients consider a build that is older as interrupted.
    type: float
    default: 3600
  stop_timeout:
    description:
      - Seconds to wait for a graceful stop before the pixel is killed.
    type: float
    default: 30
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.checkpoints
  - pixels.truenas.ssh
  - pixels.truenas.attributes
  - pixels.truenas.attributes.resource
attributes:
  idempotent:
    support: partial
    details: Every run with O(state=rebuilt) builds a new version.
seealso:
  - module: pixels.truenas.pixels_container
    description: The option O(pixels.truenas.pixels_container#module:from) clones a base.
  - module: pixels.truenas.pixels_fleet
"""

EXAMPLES = r"""
- name: Build the built-in base with Python
  pixels.truenas.pixels_base:
    name: python

- name: Build a base with a script
  pixels.truenas.pixels_base:
    name: web
    image: debian/12
    description: nginx
    setup: |
      set -e
      apt-get update -qq
      apt-get install -y -qq nginx

- name: Build a base from another one
  pixels.truenas.pixels_base:
    name: web-tests
    from: web
    setup: "{{ lookup('ansible.builtin.file', 'install-tests.sh') }}"

- name: Clone the base
  pixels.truenas.pixels_container:
    name: agent-1
    from: base:web-tests

- name: Destroy a base
  pixels.truenas.pixels_base:
    name: web-tests
    state: absent
"""

RETURN = r"""
build:
  description: Pixel that other tasks can configure with O(step=begin). C(null) if the base is up to date.
  returned: success
  type: str
  sample: base-tools-2
base:
  description:
    - The base after the task. In check mode, the base before the task.
  returned: success
  type: dict
  contains:
    name:
      description: Name of the base.
      type: str
      sample: python
    status:
      description: >-
        V(ready), V(outdated) if its newest version was built from another recipe, V(missing), V(building) or
        V(interrupted).
      type: str
      sample: ready
    version:
      description: Name of the pixel that is the newest complete version. C(null) if there is none.
      type: str
      sample: base-python-3
    recipe:
      description: The first digits of the digest of the recipe that the version was built from.
      type: str
      sample: 0f3a52d1c77e
    image:
      description: Image that the base is created from.
      type: str
      sample: null
    from:
      description: Base that the base is cloned from.
      type: str
      sample: dev
    description:
      description: What the base is for.
      type: str
      sample: dev with Python 3, pip, venv and pipx
    declared:
      description: >-
        Where the recipe is declared. V(task), V(configuration) or V(built-in). C(null) for a base without a recipe.
      type: str
      sample: built-in
    versions:
      description: Names of all versions, oldest first.
      type: list
      elements: str
      sample: [base-python-2, base-python-3]
    built_by:
      description: Builder of an unfinished version, and the start of the build. C(null) if there is none.
      type: str
      sample: null
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.base_options import base_recipe, recipe_book
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import CHECKPOINTS, SSH
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.bases import builder, planner, remover, summary
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import base_versions
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate.policy import ApplyOptions

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.recipes.book import RecipeBook
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

ARGUMENTS: dict[str, t.Any] = {
    **SSH,
    **CHECKPOINTS,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "rebuilt", "absent"], "default": "present"},
    "image": {"type": "str"},
    "from": {"type": "str"},
    "setup": {"type": "str", "default": ""},
    "description": {"type": "str", "default": ""},
    "version": {"type": "str", "default": ""},
    "egress": {"type": "raw"},
    "provision": {"type": "raw"},
    "step": {"type": "str", "choices": ["all", "begin", "finish", "cancel"], "default": "all"},
    "clones": {"type": "str", "choices": ["refuse", "promote", "leave"], "default": "refuse"},
    "wait_timeout": {"type": "float", "default": 3600},
    "stop_timeout": {"type": "float", "default": 30},
}

RULES = {"mutually_exclusive": [("image", "from")]}


def run(task: Task) -> dict[str, t.Any]:
    """Build or destroy the base, and return it."""
    name = base_versions.check_name("name", task.params["name"])
    book = recipe_book(task, base_recipe(task.params, task.ssh))
    listing = task.pixels.list()
    if task.params["state"] == "absent":
        change, begun = destroy(task, name), None
    else:
        change, begun = build(task, book, name, listing)
    if change.needed and not task.check_mode:
        listing = task.pixels.list()
    summarized = summary.summarize(task.pixels, book, name, listing)
    return {**change.result(), "build": begun, "base": summarized}


def build(task: Task, book: RecipeBook, name: str, listing: t.Sequence[Container]) -> tuple[Change, str | None]:
    """Build the base as far as it differs from its recipe. Return the difference, and the version that was begun."""
    pixels, step = task.pixels, task.params["step"]
    rebuild = task.params["state"] == "rebuilt"
    if pixels.containers.no_swap_reason and book.own is None:
        book.get(name)
        task.warn(f"{pixels.nas} has no bases, because it cannot clone: the recipe of {name} is applied to new pixels")
        return Change({}, {}), None
    builder.reject_release(pixels, name)
    options = builder.BuildOptions(
        timeout_s=task.params["wait_timeout"],
        apply=ApplyOptions(stop_timeout=task.params["stop_timeout"], ssh_port=task.ssh.port),
        hold=step == "begin",
        say=task.say,
    )
    if step == "cancel":
        begun = builder.find_held(listing, name)
        if begun and not task.check_mode:
            builder.cancel_held(pixels, name, options=options)
        return Change({begun.name.bare: begun.status} if begun else {}, {}), None
    change = planner.change(planner.plan(pixels, book, name, listing, rebuild=rebuild))
    if step == "finish" and not task.check_mode:
        builder.finish_held(pixels, book, name, options=options)
        return change._replace(always=True), None
    if task.check_mode or not change.needed:
        return change, None
    made = builder.ensure(pixels, book, name, rebuild=rebuild, options=options)
    return change, made.name.bare if made and made.metadata.building else None


def destroy(task: Task, name: str) -> Change:
    """Destroy all versions of the base, and return the difference."""
    planned = remover.plan(task.pixels, name, clones=task.params["clones"])
    change = remover.change(planned)
    if change.needed and not task.check_mode:
        options = ApplyOptions(stop_timeout=task.params["stop_timeout"], ssh_port=task.ssh.port)
        remover.apply(task.pixels, planned, options=options, deadline=Deadline(task.params["wait_timeout"]))
    return change


def main() -> None:
    """Run the module in a process of its own, without the action plugin."""
    PixelsModule(ARGUMENTS, **RULES).execute(run)


if __name__ == "__main__":
    main()
