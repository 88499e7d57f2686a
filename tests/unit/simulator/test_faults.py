# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that a fault strikes where and as often as ordered."""

from __future__ import annotations

import pytest

from tests.simulator.faults import Faults


@pytest.fixture
def faults() -> Faults:
    return Faults(role_removed=lambda role, username: None, cleared=lambda: None)


def test_nothing_goes_wrong_unasked(faults: Faults) -> None:
    assert faults.take("drop_before_reply", "core.ping") is None


def test_a_fault_strikes_once_by_default(faults: Faults) -> None:
    faults.add("busy_delete")
    faults.add("stop_times_out", times=2)

    assert [faults.take("busy_delete") is None for _try in range(2)] == [False, True]
    assert [faults.take("stop_times_out") is None for _try in range(3)] == [False, False, True]


def test_a_fault_can_let_calls_through_first(faults: Faults) -> None:
    faults.add("fail_call", method="zfs.dataset.rename", after=1)

    struck = [faults.take("fail_call", "zfs.dataset.rename") is not None for _call in range(3)]

    assert struck == [False, True, False]


def test_calls_of_other_methods_are_not_counted(faults: Faults) -> None:
    faults.add("fail_call", method="zfs.dataset.rename", after=1)

    assert [faults.take("fail_call", "core.ping") for _call in range(3)] == [None] * 3
    assert faults.take("fail_call", "zfs.dataset.rename") is None
    assert faults.take("fail_call", "zfs.dataset.rename") is not None


def test_a_nas_that_goes_away_stays_away_until_the_faults_are_cleared(faults: Faults) -> None:
    faults.go_away(after=2)

    there = [faults.take("drop_before_call", "core.ping") is None for _call in range(30)]
    faults.clear()

    assert there == [True, True] + [False] * 28
    assert faults.take("drop_before_call", "core.ping") is None


def test_a_fault_waits_for_its_method(faults: Faults) -> None:
    faults.add("delay", method="core.ping", seconds=1.0)

    assert faults.take("delay", "system.info") is None
    assert faults.waiting == ["delay"]
    struck = faults.take("delay", "core.ping")
    assert struck is not None
    assert struck.details == {"seconds": 1.0}


def test_a_fault_can_be_taken_by_a_condition(faults: Faults) -> None:
    faults.add("drop_shell", after_input=1)
    faults.add("drop_shell", after_output=2)

    struck = faults.take("drop_shell", "px-web", when=lambda fault: "after_output" in fault.details)

    assert struck is not None
    assert struck.details == {"after_output": 2}
    assert faults.waiting == ["drop_shell"]


def test_faults_strike_in_the_order_they_were_added(faults: Faults) -> None:
    faults.add("fail_call", reason="first")
    faults.add("fail_call", reason="second")

    struck = [faults.take("fail_call", "core.ping") for _call in range(2)]

    assert [fault.details["reason"] for fault in struck if fault is not None] == ["first", "second"]


def test_cleared_faults_do_not_strike(faults: Faults) -> None:
    faults.add("rate_limit", times=100)

    faults.clear()

    assert faults.take("rate_limit", "auth.login_ex") is None


def test_an_unknown_fault_is_refused(faults: Faults) -> None:
    with pytest.raises(ValueError, match="there is no fault earthquake"):
        faults.add("earthquake")


def test_removed_roles_are_handed_on_immediately() -> None:
    removed: list[tuple[str, str | None]] = []
    faults = Faults(role_removed=lambda role, username: removed.append((role, username)), cleared=removed.clear)

    faults.add("remove_role", role="VIRT_INSTANCE_WRITE", username="limited")
    reported = list(removed)
    faults.clear()

    assert reported == [("VIRT_INSTANCE_WRITE", "limited")]
    assert removed == []


def test_a_nas_can_go_away_after_calls_of_one_method(faults: Faults) -> None:
    faults.go_away(after=2, of="pool.promote")

    struck = [
        faults.take("drop_before_call", each) is not None for each in ("a", "pool.promote", "b", "pool.promote", "c")
    ]

    assert struck == [False, False, False, False, True]
    assert faults.take("drop_before_call", "pool.promote")
