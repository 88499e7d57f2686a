# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options for SSH logins to pixels."""

from __future__ import annotations


class ModuleDocFragment:
    """Options that `SSH` in `module_utils/_ansible/options.py` defines."""

    DOCUMENTATION = r"""
options:
  ssh_user:
    description:
      - User for SSH logins to pixels.
      - Defaults to E(PIXELS_SSH_USER), then V(root).
    type: str
  ssh_key:
    description:
      - Path to the private key for SSH logins to pixels. A key with a passphrase must be loaded in the SSH agent.
      - Defaults to E(PIXELS_SSH_KEY), then C(~/.ssh/id_ed25519), then the keys in the SSH agent.
    type: path
  ssh_port:
    description:
      - Port of the SSH server in pixels.
      - Defaults to E(PIXELS_SSH_PORT), then 22.
    type: int
"""
