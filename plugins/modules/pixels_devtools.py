#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install tools for development in a pixel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_devtools
short_description: Install tools for development in a pixel
version_added: 1.0.0
description:
  - Installs coding agents, languages and other tools in a running pixel, in the versions of a lock.
  - A process in the pixel installs them one after the other. It continues if the task or its controller ends, and
    C(pixels status) shows its steps. Tools that are installed already as locked are not touched.
  - Files are downloaded from the registries of npm and Python and verified against the checksums of the lock. Packages
    come from the package sources of the image, which verify their signatures.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  tools:
    description:
      - Names of tools in the lock. Tools that they require are installed as well.
      - V(default) stands for C(build-tools), C(claude-code), C(codex), C(fd), C(gemini-cli), C(gh), C(git), C(mise),
        C(node), C(opencode), C(python) and C(ripgrep).
    type: list
    elements: str
    default: [default]
  lock:
    description:
      - Path of a lock on the controller. Defaults to the lock of this collection, see C(docs/devtools.md).
    type: path
  wait:
    description:
      - Whether to wait until the tools are installed. With V(false), the task fails only if the installation cannot be
        started.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait. The installation continues after that.
    type: float
    default: 1800
extends_documentation_fragment:
  - pixels.truenas.name
  - pixels.truenas.connection
  - pixels.truenas.attributes
  - pixels.truenas.attributes.resource
attributes:
  idempotent:
    support: full
seealso:
  - module: pixels.truenas.pixels_container
    description: The key C(devtools) of O(pixels.truenas.pixels_container#module:provision) installs tools, too.
"""

EXAMPLES = r"""
- name: Install the default tools
  pixels.truenas.pixels_devtools:
    name: web

- name: Install Claude Code and Node.js in the versions of a lock of your own
  pixels.truenas.pixels_devtools:
    name: web
    tools: [claude-code, node]
    lock: files/devtools.json
"""

RETURN = r"""
tools:
  description: Versions of the tools. C(distribution) for packages of the image's distribution.
  returned: success
  type: dict
  sample: {claude-code: 2.1.332, git: distribution}
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import devtools
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import failure_report
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

ARGUMENTS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "tools": {"type": "list", "elements": "str", "default": ["default"]},
    "lock": {"type": "path"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "float", "default": 1800},
}


def run(task: Task) -> dict[str, t.Any]:
    """Install the tools that are missing."""
    params, pixels = task.params, task.pixels
    tools = devtools.select(params["tools"], params["lock"])
    name = PixelName.parse(params["name"])
    with failure_report.reporting_state(pixels, name):
        with trying(f"inspecting {name.bare} on {pixels.nas}"), WebShellClient(pixels, name) as shell:
            change = devtools.plan(shell, tools)
        if change.needed and not task.check_mode:
            deadline = Deadline(params["wait_timeout"])
            devtools.install(pixels, name, tools, deadline=deadline, wait=params["wait"], say=task.say)
    return {**change.result(), "tools": {tool.name: tool.version for tool in tools}}


def main() -> None:
    """Run the module in a process of its own, without the action plugin."""
    PixelsModule(ARGUMENTS).execute(run)


if __name__ == "__main__":
    main()
