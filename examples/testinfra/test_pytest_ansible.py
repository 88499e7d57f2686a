# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test all pixels with pytest-ansible."""

from __future__ import annotations


def test_a_module_changes_nothing_the_second_time(ansible_module):
    options = {"path": "/srv/data", "state": "directory", "mode": "0750"}

    first = ansible_module.file(**options)
    second = ansible_module.file(**options)

    assert {name: result["changed"] for name, result in first.contacted.items()} == {"db": True, "web": True}
    assert {name: result["changed"] for name, result in second.contacted.items()} == {"db": False, "web": False}
