# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how requests and errors are parsed."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.simulator import framing


def answer_to(text: str) -> dict[str, t.Any] | None:
    with pytest.raises(framing.Malformed) as malformed:
        framing.request(framing.parse(text))
    return malformed.value.answer


def test_a_request_without_params_has_none() -> None:
    request = framing.request(framing.parse('{"jsonrpc": "2.0", "id": "a", "method": "core.ping"}'))

    assert request == framing.Request("a", "core.ping", [])


def test_an_id_of_null_is_a_request_and_no_id_a_notification() -> None:
    asked = framing.request(framing.parse('{"jsonrpc": "2.0", "id": null, "method": "core.ping"}'))
    notification = framing.request(framing.parse('{"jsonrpc": "2.0", "method": "core.ping"}'))

    assert not asked.notification
    assert notification.notification


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "Expecting value: line 1 column 1 (char 0)"),
        ("[]", "Batch messages are not supported at this time"),
        ('[{"jsonrpc": "2.0"}]', "Batch messages are not supported at this time"),
        ("7", "Invalid Message Format"),
        ("null", "Invalid Message Format"),
    ],
)
def test_what_is_no_object_cannot_be_parsed(text: str, message: str) -> None:
    assert answer_to(text) == {"jsonrpc": "2.0", "error": {"code": -32700, "message": message}, "id": None}


def test_a_malformed_date_spoils_the_whole_message() -> None:
    answer = answer_to('{"jsonrpc": "2.0", "id": 1, "method": "core.ping", "params": [{"$date": "soon"}]}')

    assert answer is not None
    assert answer["error"]["code"] == -32700


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"jsonrpc": "1.0"}, "'jsonrpc' member must be of type string and must be exactly '2.0'"),
        ({"jsonrpc": None}, "Missing 'jsonrpc' member"),
        ({"id": 1.5}, "'id' member must be of type null, string or number"),
        ({"id": []}, "'id' member must be of type null, string or number"),
        ({"method": 7}, "'method' member must be of type string"),
        ({"method": None}, "Missing 'method' member"),
        ({"params": {}}, "'params' member must be of type array"),
        ({"params": "x"}, "'params' member must be of type array"),
    ],
)
def test_an_invalid_request_is_reported_what_is_wrong(change: dict[str, t.Any], message: str) -> None:
    members = {"jsonrpc": "2.0", "id": 3, "method": "core.ping", "params": []} | change
    text = json.dumps({name: value for name, value in members.items() if value is not None})

    answer = answer_to(text)

    assert answer is not None
    assert answer["error"] == {"code": -32600, "message": message}
    assert answer["id"] == members["id"]


def test_params_of_null_are_refused() -> None:
    answer = answer_to('{"jsonrpc": "2.0", "id": 1, "method": "core.ping", "params": null}')

    assert answer is not None
    assert answer["error"]["message"] == "'params' member must be of type array"


def test_an_invalid_notification_is_not_answered() -> None:
    assert answer_to('{"jsonrpc": "2.0", "method": 7}') is None


def test_members_of_an_error_come_in_the_order_of_the_middleware() -> None:
    assert list(framing.error(1, -32601, "Method does not exist")) == ["jsonrpc", "error", "id"]
    assert list(framing.result(1, True)) == ["jsonrpc", "result", "id"]
