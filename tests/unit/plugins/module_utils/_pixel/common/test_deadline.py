# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test deadlines and polling with a clock that does not wait."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline


class Clock:
    def __init__(self):
        self.now = 100.0
        self.pauses = []

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds

    def deadline(self, seconds):
        return Deadline(seconds, clock=lambda: self.now, sleep=self.sleep)


@pytest.fixture
def clock():
    return Clock()


def test_a_value_is_found_without_a_pause(clock):
    assert clock.deadline(10).wait_until(lambda: "there") == "there"
    assert clock.pauses == []


def test_polling_continues_until_there_is_a_value(clock):
    answers = iter([None, None, "there"])

    assert clock.deadline(10).wait_until(lambda: next(answers)) == "there"
    assert len(clock.pauses) == 2


def test_polling_returns_none_after_the_deadline(clock):
    assert clock.deadline(10).wait_until(lambda: None) is None
    assert clock.now == pytest.approx(110)


def test_polling_tries_once_more_after_the_deadline(clock):
    assert clock.deadline(10).wait_until(lambda: "late" if clock.now >= 110 else None) == "late"


def test_polling_tries_once_without_any_time(clock):
    assert clock.deadline(0).wait_until(lambda: "there") == "there"


def test_pauses_grow_but_not_beyond_the_longest(clock):
    clock.deadline(60).wait_until(lambda: None, first=0.5, longest=2)

    assert clock.pauses[0] == 0.5
    assert max(clock.pauses) == 2


def test_several_steps_share_one_deadline(clock):
    deadline = clock.deadline(10)

    deadline.pause(6)
    deadline.pause(6)

    assert deadline.left == 0
    assert clock.now == 110
