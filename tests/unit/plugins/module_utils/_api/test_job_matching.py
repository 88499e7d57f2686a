# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test which job belongs to a call."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.job_matching import (
    find_again,
    is_same_job,
    is_shown_as,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import job

METHOD = "virt.instance.create"
PARAMS = [{"name": "px-a", "environment": {"TOKEN": "abc"}, "storage_pool": None}]


def a_job(identity=1, method=METHOD, arguments=..., message_ids=None):
    return job(
        {
            "id": identity,
            "method": method,
            "arguments": PARAMS if arguments is ... else arguments,
            "state": "WAITING",
            "message_ids": message_ids,
        }
    )


def test_a_job_that_does_something_else_does_not_match_although_the_request_was_added_to_it():
    substituted = a_job(arguments=[{"name": "px-b"}], message_ids=["theirs", "mine"])

    assert not is_same_job(substituted, METHOD, PARAMS)


def test_a_job_with_the_same_method_and_arguments_matches():
    assert is_same_job(a_job(message_ids=["theirs", "mine"]), METHOD, PARAMS)


def test_on_25_04_method_and_arguments_identify_a_job():
    assert is_same_job(a_job(), METHOD, PARAMS)
    assert not is_same_job(a_job(method="virt.instance.update"), METHOD, PARAMS)
    assert not is_same_job(a_job(arguments=[{"name": "px-b"}]), METHOD, PARAMS)


@pytest.mark.parametrize(
    ("shown", "sent"),
    [
        ("********", "secret"),
        ({"name": "a", "key": "********"}, {"name": "a", "key": {"deep": 1}}),
        ({"name": "a", "cpu": None, "memory": 1}, {"name": "a"}),
        ({"name": "a"}, {"name": "a", "storage_pool": None}),
        ([1, "b"], (1, "b")),
        ({"x", "y"}, {"y", "x"}),
        (None, None),
    ],
)
def test_masked_secrets_and_defaults_are_no_difference(shown, sent):
    assert is_shown_as(shown, sent)


@pytest.mark.parametrize(
    ("shown", "sent"),
    [
        ("a", "b"),
        ({"name": "b"}, {"name": "a"}),
        ({}, {"name": "a"}),
        ([1], [1, 2]),
        ([1, 2], [1]),
        (None, {}),
        ("x", ["x"]),
        ([], {1}),
    ],
)
def test_other_values_are_a_difference(shown, sent):
    assert not is_shown_as(shown, sent)


def test_arguments_omitted_may_be_shown_with_their_defaults():
    assert is_same_job(a_job(arguments=["px-a", {"timeout": -1}]), METHOD, ["px-a"])


def test_a_job_without_a_list_of_arguments_does_not_match():
    assert not is_same_job(a_job(arguments=None), METHOD, [])


def test_a_lost_job_is_found_by_the_id_of_its_request():
    candidates = [a_job(5, message_ids=["theirs"]), a_job(6, message_ids=["mine"]), a_job(7, message_ids=["other"])]

    assert find_again(candidates, METHOD, PARAMS, "mine").id == 6


def test_another_users_job_of_the_same_kind_is_not_mistaken_for_the_lost_one():
    assert find_again([a_job(5, message_ids=["theirs"])], METHOD, PARAMS, "mine") is None


def test_on_25_04_the_newest_job_with_our_arguments_is_the_lost_one():
    candidates = [a_job(5), a_job(7, arguments=[{"name": "px-b"}]), a_job(6)]

    assert find_again(candidates, METHOD, PARAMS, "mine").id == 6
    assert find_again([], METHOD, PARAMS, "mine") is None


def test_a_job_our_request_was_only_added_to_is_not_the_lost_one():
    assert find_again([a_job(5, arguments=[{}], message_ids=["theirs", "mine"])], METHOD, PARAMS, "mine") is None
