# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say how to log in to a pixel over SSH."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  ssh_user:
    description:
      - User to log in to pixels as.
      - Left out, E(PIXELS_SSH_USER) is used, else V(root).
    type: str
  ssh_key:
    description:
      - Private key to log in to pixels with.
      - Left out, E(PIXELS_SSH_KEY) is used, else the keys of the SSH agent and C(~/.ssh/id_ed25519).
    type: path
  ssh_port:
    description:
      - Port of the SSH server in pixels.
      - Left out, E(PIXELS_SSH_PORT) is used, else 22.
    type: int
"""
