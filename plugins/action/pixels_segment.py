# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the module `pixels_segment` in the worker process of Ansible."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.plugin_utils.action import PixelsAction as ActionModule

__all__ = ["ActionModule"]
