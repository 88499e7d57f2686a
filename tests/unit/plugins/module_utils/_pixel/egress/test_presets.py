# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups of domains."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import policy, presets


@pytest.mark.parametrize("group", presets.GROUPS)
def test_a_group_has_valid_names_in_their_normal_form(group):
    names = presets.GROUPS[group]

    assert policy.parse({"mode": "allowlist", "allow": list(names)}).allow == tuple(sorted(names))


def test_agents_get_groups_that_exist():
    assert set(presets.AGENT) <= set(presets.NAMES)
    assert set(presets.DISTRIBUTIONS) <= set(presets.GROUPS)
