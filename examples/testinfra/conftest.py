# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let pytest-ansible find inventories and connections of collections, which it looks for only when it runs a module."""

from __future__ import annotations

from ansible.plugins.loader import init_plugin_loader

init_plugin_loader()
