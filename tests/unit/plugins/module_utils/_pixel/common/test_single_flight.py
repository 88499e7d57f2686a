# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that values are computed once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.single_flight import SingleFlight


def test_threads_that_request_a_value_at_the_same_time_share_it():
    flight = SingleFlight()
    start = threading.Barrier(8)
    computed = []

    def request():
        start.wait()
        return flight.get("nic", lambda: computed.append(1) or "eno1")

    with ThreadPoolExecutor(8) as pool:
        values = [request.result() for request in [pool.submit(request) for _number in range(8)]]

    assert values == ["eno1"] * 8
    assert len(computed) == 1


def test_keys_have_values_of_their_own():
    flight = SingleFlight()

    assert [flight.get(key, lambda key=key: key * 2) for key in ("a", "b", "a")] == ["aa", "bb", "aa"]


def test_an_error_and_a_value_that_is_not_kept_are_computed_again():
    flight = SingleFlight()
    computed = iter([1, 2, 3])

    with pytest.raises(ZeroDivisionError):
        flight.get("key", lambda: 1 // 0)
    assert flight.get("key", lambda: next(computed), keep=lambda value: value > 1) == 1
    assert [flight.get("key", lambda: next(computed)) for _number in range(2)] == [2, 2]
