# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of extended JSON as the middleware writes it."""

from __future__ import annotations

import datetime
import ipaddress
import typing as t

import pytest

from tests.simulator import ejson


def test_a_time_is_written_in_whole_seconds() -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=datetime.UTC)

    assert ejson.plain(moment) == {"$date": 1767323045000}


@pytest.mark.parametrize(
    "value",
    [
        datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
        datetime.date(2026, 1, 2),
        datetime.time(3, 4, 5),
        {"FULL_ADMIN"},
        ipaddress.IPv4Interface("10.0.0.1/24"),
        ipaddress.IPv6Interface("fd00::1/64"),
    ],
)
def test_what_is_written_is_read_again(value: t.Any) -> None:
    assert ejson.loads(ejson.dumps([value])) == [value]


def test_an_object_with_more_keys_is_nothing_special() -> None:
    assert ejson.loads('{"$date": 1, "x": 2}') == {"$date": 1, "x": 2}
    assert ejson.loads('{"$unknown": 1}') == {"$unknown": 1}


def test_text_is_escaped_to_ascii() -> None:
    assert ejson.dumps("ü") == '"\\u00fc"'


def test_what_has_no_json_is_refused_with_a_message_of_the_middleware() -> None:
    with pytest.raises(TypeError, match="Object of type Undefined is not JSON serializable"):
        ejson.dumps([ejson.Undefined()])
