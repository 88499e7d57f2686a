# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How modules of this collection behave, said once."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can predict what it would do, and do nothing.
  diff_mode:
    description: Shows what it changes, or would change.
  idempotent:
    description: A second run with the same options changes nothing.
  platform:
    description: The machine the module runs on; pixels themselves may run anything.
    support: full
    platforms: posix
"""

    RESOURCE = r"""
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Can predict what it would do, and do nothing.
    support: full
    details: It only reads.
  diff_mode:
    description: Shows what it changes, or would change.
    support: N/A
    details: It changes nothing.
  idempotent:
    description: A second run with the same options changes nothing.
    support: N/A
    details: It changes nothing.
  platform:
    description: The machine the module runs on; pixels themselves may run anything.
    support: full
    platforms: posix
"""
