# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the comparison of two states."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change


def test_equal_states_need_no_change():
    assert not Change({"cpu": "2"}, {"cpu": "2"}).needed
    assert not Change(None, None).needed


def test_creation_and_removal_are_changes():
    assert Change(None, {"cpu": "2"}).needed
    assert Change({"cpu": "2"}, None).needed


def test_a_forced_change_shows_no_difference():
    change = Change({"status": "running"}, {"status": "running"}, always=True)

    assert change.result() == {
        "changed": True,
        "diff": {"before": {"status": "running"}, "after": {"status": "running"}},
    }


def test_only_what_differs_is_touched():
    change = Change({"cpu": "2", "memory": "2GiB"}, {"cpu": "4", "memory": "2GiB", "autostart": True})

    assert change.touches("cpu", "memory", "autostart", "environment") == {"cpu": "4", "autostart": True}


def test_absent_is_an_empty_side_of_the_diff():
    assert Change(None, {"cpu": "2"}).result()["diff"] == {"before": {}, "after": {"cpu": "2"}}
