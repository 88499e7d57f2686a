#!/usr/bin/python

# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage the authorized SSH keys of a user in a pixel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pixels_authorize
short_description: Manage the authorized SSH keys of a user in a pixel
version_added: 1.0.0
description:
  - Adds public keys to the C(authorized_keys) file of a user in a running pixel, or removes them from it.
  - By default, the module connects through the web shell of the NAS, so it does not require a key that the pixel
    already accepts.
  - With O(transport=shell), the module also reads the SSH host keys inside the pixel and pins them on the controller.
    Pinning host keys does not count as a change.
author:
  - The pixels.truenas contributors (@pixels-truenas)
options:
  public_keys:
    description:
      - Public keys, each a line of C(authorized_keys).
      - Keys are compared without their comments and options.
      - Defaults to the key in O(public_key_file).
      - Mutually exclusive with O(public_key_file).
    type: list
    elements: str
  public_key_file:
    description:
      - Path to a public key file on the controller.
      - Defaults to the path in O(ssh_key) with C(.pub) appended, then to C(~/.ssh/id_ed25519.pub).
    type: path
  user:
    description:
      - User in the pixel whose C(authorized_keys) file is changed. The user must have a home directory.
      - The file is read and written with the permissions of this user. The task fails if the home directory,
        C(.ssh) or the file is a symbolic link.
      - Up to 64 letters, digits and the characters C(_ . @ + -). The first character is a letter, a digit or C(_).
    type: str
    default: root
  state:
    description:
      - Whether the keys are added (V(present)) or removed (V(absent)).
    type: str
    choices: [present, absent]
    default: present
  exclusive:
    description:
      - Set to V(true) to remove all other keys of the user.
      - Has no effect with O(state=absent).
    type: bool
    default: false
  transport:
    description:
      - How to connect to the pixel.
      - V(shell) uses the web shell of the NAS.
      - V(ssh) uses SSH.
      - V(auto) uses SSH if an SSH server responds, and the web shell otherwise.
    type: str
    choices: [auto, ssh, shell]
    default: shell
extends_documentation_fragment:
  - pixels.truenas.name
  - pixels.truenas.connection
  - pixels.truenas.ssh
  - pixels.truenas.attributes
  - pixels.truenas.attributes.resource
attributes:
  idempotent:
    support: full
seealso:
  - module: pixels.truenas.pixels_container
    description: The option O(pixels.truenas.pixels_container#module:provision) also installs an SSH server.
"""

EXAMPLES = r"""
- name: Authorize the default key of the controller
  pixels.truenas.pixels_authorize:
    name: web

- name: Allow only two keys (in a play for pixels of the inventory)
  pixels.truenas.pixels_authorize:
    exclusive: true
    public_keys:
      - "{{ lookup('ansible.builtin.file', 'keys/alice.pub') }}"
      - "{{ lookup('ansible.builtin.file', 'keys/bob.pub') }}"

- name: Remove a key
  pixels.truenas.pixels_authorize:
    name: web
    public_key_file: keys/carol.pub
    state: absent
"""

RETURN = r"""
path:
  description: Path of the C(authorized_keys) file in the pixel.
  returned: success
  type: str
  sample: /root/.ssh/authorized_keys
authorized_keys:
  description: All keys in the file after the task. In check mode, the keys that the file would contain.
  returned: success
  type: list
  elements: str
  sample: [ssh-ed25519 AAAA... alice@laptop]
"""

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.module import PixelsModule
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.options import SSH
from ansible_collections.pixels.truenas.plugins.module_utils._ansible.task import Task
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import connect, public_keys
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.provisioning import (
    authorized_keys,
    shell_provisioner,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import failure_report
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

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
    """Add or remove keys, and return all keys of the user."""
    params, pixels = task.params, task.pixels
    key_file = params["public_key_file"] or public_keys.path_beside(params["ssh_key"])
    keys = params["public_keys"] or [public_keys.read(key_file)]
    wanted = authorized_keys.KeySpec(params["user"], tuple(keys), params["state"], params["exclusive"])
    name = PixelName.parse(params["name"])
    with (
        failure_report.reporting_state(pixels, name),
        trying(f"changing the authorized keys of {name.bare} on {pixels.nas}"),
        connect.open_shell(pixels, name, task.ssh) as shell,
    ):
        found = authorized_keys.find(shell, wanted.user)
        change = authorized_keys.plan(found, wanted)
        if not task.check_mode:
            if change.needed:
                authorized_keys.apply(shell, found, change)
            if task.ssh.transport == "shell":
                shell_provisioner.pin(pixels, name, shell_provisioner.inspect(shell).host_keys)
    return {**change.result(), **(change.after or {})}


def main() -> None:
    """Run the module in a process of its own, without the action plugin."""
    PixelsModule(ARGUMENTS, **RULES).execute(run)


if __name__ == "__main__":
    main()
