# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the words and checks of a fleet; tests/unit/plugins/modules/test_pixels_fleet.py runs whole ones."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.fleet import (
    Member,
    Outcome,
    Planned,
    refuse_doubles,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import Patience, Wanted


def member(name):
    return Member(Wanted(name), Patience(), wait_timeout=60)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (Change(None, {"cpu": "2"}), "created"),
        (Change({"cpu": "2"}, None), "destroyed"),
        (Change({"cpu": "2"}, {"cpu": "4"}), "changed"),
        (Change({"cpu": "2"}, {"cpu": "2"}), "unchanged"),
        (Change({"cpu": "2"}, {"cpu": "2"}, always=True), "changed"),
        (None, "failed"),
    ],
)
def test_an_outcome_has_one_word(change, word):
    assert Outcome(Planned(member("px-a"), change=change)).word == word


def test_an_error_is_a_failure_whatever_was_planned():
    planned = Planned(member("px-a"), change=Change(None, {"cpu": "2"}))

    assert Outcome(planned, error=Refused("no")).word == "failed"


def test_each_pixel_is_listed_once():
    refuse_doubles([member("px-a"), member("px-b")])
    with pytest.raises(Invalid, match="listed more than once: a$"):
        refuse_doubles([member("px-a"), member("px-b"), member("px-a")])
