# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the words and checks of a fleet; tests/unit/plugins/modules/test_pixels_fleet.py runs whole ones."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.fleet import (
    Member,
    Outcome,
    Planned,
    once,
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


def test_what_all_need_is_asked_for_once_however_many_ask_at_the_same_time():
    asked = []

    def ask():
        asked.append(1)
        time.sleep(0.05)
        return "eno1"

    answer = once(ask)
    with ThreadPoolExecutor(8) as pool:
        answers = [each.result() for each in [pool.submit(answer) for _number in range(8)]]

    assert answers == ["eno1"] * 8
    assert len(asked) == 1
