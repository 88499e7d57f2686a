# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how calls without a login are counted."""

from __future__ import annotations

from tests.simulator.rate_limit import MAX_WINDOWS, TABLE_SECONDS, RateLimit


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def exhausted(clock: Clock) -> RateLimit:
    limit = RateLimit(20, 60.0, clock=clock)
    assert not any(limit.exceeded("auth.login_ex", "192.0.2.1") for _call in range(20))
    return limit


def test_the_twenty_first_call_of_a_window_is_one_too_many() -> None:
    assert exhausted(Clock()).exceeded("auth.login_ex", "192.0.2.1")


def test_another_method_and_another_address_are_counted_for_themselves() -> None:
    limit = exhausted(Clock())

    assert not limit.exceeded("auth.login_with_api_key", "192.0.2.1")
    assert not limit.exceeded("auth.login_ex", "192.0.2.2")


def test_refused_calls_do_not_make_the_window_longer() -> None:
    clock = Clock()
    limit = exhausted(clock)

    clock.now += 59.0
    refused = limit.exceeded("auth.login_ex", "192.0.2.1")
    clock.now += 1.0

    assert refused
    assert not limit.exceeded("auth.login_ex", "192.0.2.1")


def test_a_full_table_refuses_everybody_until_it_is_emptied() -> None:
    clock = Clock()
    limit = RateLimit(20, 60.0, clock=clock)
    for number in range(MAX_WINDOWS):
        assert not limit.exceeded("core.ping", f"192.0.2.{number}")

    assert limit.exceeded("core.ping", "198.51.100.1")
    clock.now += TABLE_SECONDS
    assert not limit.exceeded("core.ping", "198.51.100.1")
