# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the command lines of the verb bases."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._cli import arguments


def test_each_action_has_its_options():
    parse = arguments.parser().parse_args

    assert parse(["bases", "list"]).function == "base_verb:show_list"
    assert parse(["bases", "build", "a", "b", "--rebuild"]).bases == ["a", "b"]
    assert parse(["bases", "delete", "a", "--clones", "leave"]).clones == "leave"
