# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that a container of TrueNAS 26 has its own shutdown timeout after a stop, also after a failure."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotPermitted, OutcomeUnknown, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.shutdown_timeout import temporarily


@pytest.fixture
def release() -> str:
    return "26"


@pytest.fixture
def web(truenas):
    truenas.world.add_container("px-web")
    return truenas.world.domains["px-web"]


@pytest.fixture
def row(session, web):
    return session.read("container.query", [["name", "=", "px-web"]])[0]


def test_it_is_another_meanwhile_and_its_own_again(session, web, row):
    with temporarily(session, row, 30):
        meanwhile = web.shutdown_timeout

    assert (meanwhile, web.shutdown_timeout) == (30, 90)


def test_nothing_is_asked_for_where_it_is_so_already(session, truenas, row):
    with temporarily(session, row, 90):
        pass

    assert truenas.stats.calls["container.update"] == 0


@pytest.mark.parametrize("kind", [Refused, KeyboardInterrupt])
def test_it_is_put_back_after_a_failure(session, web, row, kind):
    with pytest.raises(kind, match="bad luck"), temporarily(session, row, 30):
        raise kind("bad luck")

    assert web.shutdown_timeout == 90


def test_it_is_put_back_where_the_answer_to_the_change_is_lost(session, truenas, web, row):
    truenas.faults.add("drop_before_reply", method="container.update")

    with pytest.raises(OutcomeUnknown), temporarily(session, row, 30):
        pytest.fail("it is not known to be changed")

    assert web.shutdown_timeout == 90


def test_one_that_may_not_be_changed_is_left_alone(truenas, session_of, web, row):
    with pytest.raises(NotPermitted), temporarily(session_of("CONTAINER_READ"), row, 30):
        pytest.fail("it is not changed")

    assert truenas.stats.calls["container.update"] == 1


@pytest.mark.parametrize(
    "fault", [("drop_before_reply", {}), ("fail_call", {"errno": 14, "reason": "[EFAULT] database is locked"})]
)
def test_it_is_put_back_at_the_second_try(session, truenas, web, row, fault):
    name, details = fault
    truenas.faults.add(name, method="container.update", after=1, **details)

    with temporarily(session, row, 30):
        pass

    assert web.shutdown_timeout == 90


def test_one_that_cannot_be_put_back_is_reported_with_what_it_was(session, truenas, row):
    truenas.faults.add("fail_call", method="container.update", after=1, times=2, errno=14, reason="[EFAULT] locked")

    message = (
        "resetting the shutdown timeout of px-web on .* to 90 s failed: .*locked.*next change of the pixel resets it"
    )
    with pytest.raises(Refused, match=message), temporarily(session, row, 30):
        pass


def test_what_went_wrong_first_is_reported_first(session, truenas, row):
    truenas.faults.add("fail_call", method="container.update", after=1, times=2, errno=14, reason="[EFAULT] locked")

    with (
        pytest.raises(Refused, match="^bad luck. In addition, resetting the shutdown timeout of px-web"),
        temporarily(session, row, 30),
    ):
        raise Refused("bad luck")


def test_one_that_is_gone_meanwhile_needs_nothing(session, truenas, row):
    with temporarily(session, row, 30):
        del truenas.world.containers["px-web"]

    assert truenas.stats.calls["container.update"] == 1


def test_what_it_was_is_noted_until_it_is_put_back(session, web, row):
    web.description = "Ask Ann first"

    with temporarily(session, {**row, "description": "Ask Ann first"}, 30):
        meanwhile = web.description

    assert meanwhile == 'Ask Ann first\npixels.truenas: {"shutdown_timeout": 90}'
    assert web.description == "Ask Ann first"


def test_a_note_that_has_no_room_keeps_nothing_from_being_stopped(session, web, row):
    web.description = "x" * 1020

    with temporarily(session, {**row, "description": web.description}, 30):
        meanwhile = web.shutdown_timeout

    assert (meanwhile, web.shutdown_timeout, web.description) == (30, 90, "x" * 1020)


def test_notes_that_are_made_meanwhile_stay(session, web, row):
    with temporarily(session, row, 30):
        web.description += "\nStop it at night only"

    assert web.description == "Stop it at night only"


def test_what_an_earlier_stop_noted_is_put_back_and_not_what_it_left(session, web):
    web.shutdown_timeout, web.description = 30, 'pixels.truenas: {"shutdown_timeout": 90}'
    left = session.read("container.query", [["name", "=", "px-web"]])[0]

    with temporarily(session, left, 30):
        pass

    assert (web.shutdown_timeout, web.description) == (90, "")
