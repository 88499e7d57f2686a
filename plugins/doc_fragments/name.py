# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the option that names an existing pixel."""

from __future__ import annotations


class ModuleDocFragment:
    """The option `name`."""

    DOCUMENTATION = r"""
options:
  name:
    description:
      - Name of the pixel, with or without the prefix C(px-).
      - Can be omitted in tasks that run for a pixel of the inventory.
    type: str
    required: true
"""
