# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the names of hosts."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.inventory_hosts import host_name


@pytest.mark.parametrize(
    ("style", "nas", "name"),
    [
        ("name", "nas", "web"),
        ("full_name", "nas", "px-web"),
        ("name.nas", "nas.example.org", "web.nas.example.org"),
        ("name.nas", "nas:8443", "web.nas.8443"),
        ("name.nas", "[fd00::1]:8443", "web.fd00.1.8443"),
    ],
)
def test_the_style_sets_the_name_of_a_host_without_patterns(style, nas, name):
    assert host_name({"name": "web", "full_name": "px-web", "nas": nas}, style) == name


@pytest.mark.parametrize("name", ["localhost", "all", "ungrouped", "pixels", "Localhost", "ALL"])
@pytest.mark.parametrize("style", ["name", "full_name"])
def test_a_host_never_has_a_reserved_name(name, style):
    assert host_name({"name": name, "full_name": f"px-{name}", "nas": "nas"}, style) == f"px-{name}"
