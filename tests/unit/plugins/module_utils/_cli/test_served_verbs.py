# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which verbs the command server runs."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli import arguments, served_verbs


def test_each_served_verb_exists():
    for verb, *action in served_verbs.SERVED:
        found = arguments.parser().inner[verb]
        assert set(action) <= {*found.inner, *found.options}


@pytest.mark.parametrize("line", ["", "exec web list", "--json list", "bases", "checkpoint create", "reap"])
def test_other_verbs_are_not_served(line):
    assert not served_verbs.includes(line.split())
