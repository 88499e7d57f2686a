# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options for stopping and starting a pixel."""

from __future__ import annotations


class ModuleDocFragment:
    """Options that `RUN_STATE` in `module_utils/_ansible/options.py` defines."""

    DOCUMENTATION = r"""
options:
  stop_timeout:
    description:
      - Seconds to wait for a graceful stop.
    type: float
    default: 30
  force:
    description:
      - Set to V(true) to kill the pixel instead of stopping it gracefully, and to destroy or restore a protected pixel.
    type: bool
    default: false
  wait:
    description:
      - What to wait for after a start of the pixel.
      - V(none) does not wait.
      - V(running) waits until the NAS reports the pixel as running.
      - V(address) waits until the pixel has an IP address.
      - V(ssh) waits until the SSH server of the pixel responds.
      - V(ready) waits until the init system of the pixel has started all services. Requires an account with web shell
        access.
    type: str
    choices: [none, running, address, ssh, ready]
    default: address
  wait_timeout:
    description:
      - Timeout of the whole task, in seconds.
    type: float
    default: 600
"""
