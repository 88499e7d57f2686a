# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of module attributes."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of all modules; `RESOURCE` and `INFO` add the support of each kind of module."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can predict changes without making them.
  diff_mode:
    description: Shows changes, or predicted changes in check mode.
  idempotent:
    description: Running the module again with the same options makes no further changes.
  platform:
    description: Operating system of the machine that runs the module.
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
    description: Can predict changes without making them.
    support: full
    details: The module makes no changes.
  diff_mode:
    description: Shows changes, or predicted changes in check mode.
    support: N/A
    details: The module makes no changes.
  idempotent:
    description: Running the module again with the same options makes no further changes.
    support: N/A
    details: The module makes no changes.
  platform:
    description: Operating system of the machine that runs the module.
    support: full
    platforms: posix
"""
