# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of properties that are computed once for each object."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.lazy_property import LazyProperty


class Sample:
    def __init__(self, compute):
        self.compute = compute

    @LazyProperty
    def value(self):
        return self.compute()


def test_threads_compute_the_value_of_one_object_once():
    started = threading.Barrier(8)
    computed = []
    sample = Sample(lambda: computed.append(1) or "done")

    def read():
        started.wait(10)
        return sample.value

    with ThreadPoolExecutor(8) as pool:
        values = [each.result(10) for each in [pool.submit(read) for _ in range(8)]]

    assert (values, computed) == (["done"] * 8, [1])


def test_an_object_does_not_wait_for_another():
    both = threading.Barrier(2)

    def compute():
        # Passes only if the other object computes its value at the same time.
        both.wait(10)
        return "done"

    with ThreadPoolExecutor(2) as pool:
        pending = [pool.submit(lambda: Sample(compute).value) for _ in range(2)]

        assert [each.result(10) for each in pending] == ["done", "done"]


def test_a_value_that_could_not_be_computed_is_computed_by_the_next_access():
    outcomes = iter([OSError("lost"), "done"])

    def compute():
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    sample = Sample(compute)
    with pytest.raises(OSError, match="lost"):
        _ = sample.value

    assert (sample.value, sample.value) == ("done", "done")
