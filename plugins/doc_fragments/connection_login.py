# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the connection plugin's options for logins to pixels."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of the connection plugin for the login to a pixel."""

    DOCUMENTATION = r"""
options:
  remote_user:
    description:
      - User in the pixel that runs tasks, over either transport. The web shell opens as root, and runs commands as this
        user with C(su), in the user's home directory.
      - Defaults to V(root) with O(transport=shell), otherwise to E(PIXELS_SSH_USER), then to C(ssh.user) of the
        configuration file, then to V(root).
    type: str
    ini:
      - section: defaults
        key: remote_user
    env:
      - name: ANSIBLE_REMOTE_USER
    vars:
      - name: ansible_user
      - name: ansible_ssh_user
    cli:
      - name: user
    keyword:
      - name: remote_user
  password:
    description:
      - Password of O(remote_user) in the pixel, for SSH. It is used if the pixel accepts none of the keys.
      - It is never sent to the NAS.
    type: str
    vars:
      - name: ansible_password
      - name: ansible_ssh_pass
      - name: ansible_ssh_password
  private_key_file:
    description:
      - Path to the private key for SSH. A key with a passphrase must be loaded in the SSH agent.
      - Defaults to E(PIXELS_SSH_KEY), then to C(ssh.key) of the configuration file, then to the keys in the SSH agent
        and C(~/.ssh/id_ed25519).
    type: path
    ini:
      - section: defaults
        key: private_key_file
    env:
      - name: ANSIBLE_PRIVATE_KEY_FILE
    vars:
      - name: ansible_private_key_file
      - name: ansible_ssh_private_key_file
    cli:
      - name: private_key_file
        option: --private-key
  port:
    description:
      - Port of the SSH server in the pixel.
      - Defaults to E(PIXELS_SSH_PORT), then to C(ssh.port) of the configuration file, then to 22.
    type: int
    ini:
      - section: defaults
        key: remote_port
    env:
      - name: ANSIBLE_REMOTE_PORT
    vars:
      - name: ansible_port
      - name: ansible_ssh_port
    keyword:
      - name: port
  timeout:
    description: Seconds to wait for an SSH connection, and for the prompt of a become plugin.
    type: int
    default: 10
    ini:
      - section: defaults
        key: timeout
      - section: ssh_connection
        key: timeout
    env:
      - name: ANSIBLE_TIMEOUT
      - name: ANSIBLE_SSH_TIMEOUT
    vars:
      - name: ansible_timeout
      - name: ansible_ssh_timeout
    cli:
      - name: timeout
  reconnection_retries:
    description:
      - Number of further attempts if connecting to the NAS or to the pixel fails.
      - Commands are never repeated, and neither is an attempt that cannot succeed, such as one that finds another host
        key than the pinned one.
    type: int
    default: 0
    ini:
      - section: connection
        key: retries
      - section: ssh_connection
        key: retries
    env:
      - name: ANSIBLE_SSH_RETRIES
    vars:
      - name: ansible_ssh_retries
  host_key_checking:
    description:
      - Set to V(false) to connect to an SSH server even if its host key is not the pinned one. Such a server never gets
        the password.
    type: bool
    default: true
    ini:
      - section: defaults
        key: host_key_checking
      - section: ssh_connection
        key: host_key_checking
    env:
      - name: ANSIBLE_HOST_KEY_CHECKING
      - name: ANSIBLE_SSH_HOST_KEY_CHECKING
    vars:
      - name: ansible_host_key_checking
      - name: ansible_ssh_host_key_checking
"""
