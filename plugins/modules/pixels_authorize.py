#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says whose keys may log in to a pixel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_authorize
short_description: Add or remove an SSH key in a running pixel
version_added: 1.0.0
description:
  - Adds public keys to those that may log in to a pixel over SSH, or removes them, at any time.
  - By default it goes in through the shell of the NAS, so it also helps whoever has no key that the pixel takes. Then
    it pins the SSH host keys of the pixel as well, as they are read inside; that is no change of the pixel.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  name:
    description:
      - Name of the pixel. Run for a pixel of the inventory, it is that pixel.
    type: str
    required: true
  public_keys:
    description:
      - Lines for C(authorized_keys). A key is the same whatever comment or options are with it.
      - Left out, it is the one in O(public_key_file).
    type: list
    elements: str
  public_key_file:
    description:
      - File on the controller with such a line.
      - Left out, it is O(ssh_key) with C(.pub), else C(~/.ssh/id_ed25519.pub).
    type: path
  user:
    description:
      - User of the pixel they let in.
    type: str
    default: root
  state:
    description:
      - Whether they may log in.
    type: str
    choices: [present, absent]
    default: present
  exclusive:
    description:
      - Whether all other keys of the user are removed.
    type: bool
    default: false
  transport:
    description:
      - How to get into the pixel, V(shell) through the NAS, V(ssh) over SSH, or V(auto) for SSH where a server answers.
    type: str
    choices: [auto, ssh, shell]
    default: shell
extends_documentation_fragment:
  - pixels.truenas.connection
  - pixels.truenas.ssh
  - pixels.truenas.attributes
  - pixels.truenas.attributes.resource
attributes:
  idempotent:
    support: full
seealso:
  - module: pixels.truenas.pixels_container
    description: Its option O(pixels.truenas.pixels_container#module:provision) also sees to an SSH server.
"""

EXAMPLES = r"""
- name: Let me in again
  pixels.truenas.pixels_authorize:
    name: web

- name: Nobody but the two of us, in a play over pixels of the inventory
  pixels.truenas.pixels_authorize:
    exclusive: true
    public_keys:
      - "{{ lookup('ansible.builtin.file', 'keys/alice.pub') }}"
      - "{{ lookup('ansible.builtin.file', 'keys/bob.pub') }}"

- name: She has left
  pixels.truenas.pixels_authorize:
    name: web
    public_key_file: keys/carol.pub
    state: absent
"""

RETURN = r"""
path:
  description: The file in the pixel.
  returned: success
  type: str
  sample: /root/.ssh/authorized_keys
keys:
  description: The keys in it afterwards; in check mode as they would be.
  returned: success
  type: list
  elements: str
  sample: [ssh-ed25519 AAAA... me@here]
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import SSH
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import (
    authorizing,
    entering,
    names,
    outfitting,
    public_keys,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.trying import trying

ARGUMENTS: dict[str, t.Any] = {
    **SSH,
    "name": {"type": "str", "required": True},
    "public_keys": {"type": "list", "elements": "str"},
    "public_key_file": {"type": "path"},
    "user": {"type": "str", "default": "root"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "exclusive": {"type": "bool", "default": False},
    "transport": {"type": "str", "choices": ["auto", "ssh", "shell"], "default": "shell"},
}

RULES: dict[str, t.Any] = {"mutually_exclusive": [("public_keys", "public_key_file")]}


def run(task: Task) -> dict[str, t.Any]:
    params, pixels = task.params, task.pixels
    file = params["public_key_file"] or public_keys.path_beside(params["ssh_key"])
    keys = params["public_keys"] or [public_keys.read(file)]
    wanted = authorizing.Wanted(params["user"], tuple(keys), params["state"], params["exclusive"])
    where = f"{names.bare_name(params['name'])} on {pixels.nas}"
    with (
        trying(f"changing who may log in to {where}"),
        entering.enter(pixels, params["name"], task.ssh) as shell,
    ):
        found = authorizing.find(shell, wanted.user)
        change = authorizing.plan(found, wanted)
        if not task.check_mode:
            if change.needed:
                authorizing.apply(shell, found, change)
            if task.ssh.transport == "shell":
                outfitting.pin(
                    pixels, names.full_name(params["name"]), outfitting.look(shell, params["user"]).host_keys
                )
    return {**change.result(), **(change.after or {})}


def main() -> None:
    PixelsModule(ARGUMENTS, **RULES).execute(run)


if __name__ == "__main__":
    main()
