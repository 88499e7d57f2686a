# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a silent connection is pinged and when it is given up."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import heartbeat
from ansible_collections.pixels.truenas.plugins.module_utils._api.heartbeat import Heartbeat


@pytest.fixture
def beat():
    return Heartbeat(now=100, every=20, within=15)


def test_the_pause_is_well_inside_the_minute_after_which_the_nas_hangs_up():
    assert heartbeat.PING_INTERVAL_S <= 25
    assert heartbeat.PING_INTERVAL_S + heartbeat.PONG_TIMEOUT_S < 60


def test_a_ping_is_due_every_so_often_and_once_each_time(beat):
    assert not beat.is_ping_due(119)
    assert beat.is_ping_due(120)
    assert not beat.is_ping_due(121)
    assert beat.is_ping_due(140)


def test_a_connection_that_answers_lives_on(beat):
    beat.is_ping_due(120)

    assert not beat.is_dead(200, last_received=121)


def test_a_connection_without_an_answer_dies(beat):
    beat.is_ping_due(120)

    assert not beat.is_dead(134, last_received=110)
    assert beat.is_dead(136, last_received=110)


def test_further_pings_do_not_put_off_the_end(beat):
    impatient = Heartbeat(now=0, every=1, within=15)
    for second in range(1, 17):
        impatient.is_ping_due(second)

    assert impatient.is_dead(17, last_received=0)


def test_silence_before_the_first_ping_is_no_death(beat):
    assert not beat.is_dead(119, last_received=0)


def test_it_says_how_long_nothing_needs_to_be_done(beat):
    assert beat.until_next(105) == 15
    beat.is_ping_due(120)
    assert beat.until_next(121) == 14
    assert beat.until_next(1000) > 0
