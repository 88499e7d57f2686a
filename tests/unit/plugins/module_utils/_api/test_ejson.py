# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extended JSON."""

from __future__ import annotations

import datetime
import ipaddress
import json

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import ejson

NOON = datetime.datetime(2026, 1, 2, 12, 0, 0, tzinfo=datetime.UTC)

PAIRS = [
    (NOON, {"$date": 1767355200000}),
    (datetime.date(2026, 1, 2), {"$type": "date", "$value": "2026-01-02"}),
    (datetime.time(3, 45), {"$time": "03:45:00"}),
    ({"FULL_ADMIN"}, {"$set": ["FULL_ADMIN"]}),
    (ipaddress.IPv4Interface("10.0.0.1/24"), {"$ipv4_interface": "10.0.0.1/24"}),
    (ipaddress.IPv6Interface("fd00::1/64"), {"$ipv6_interface": "fd00::1/64"}),
]


@pytest.mark.parametrize(("value", "marked"), PAIRS, ids=lambda item: type(item).__name__)
def test_special_values_travel_as_marked_objects_in_both_directions(value, marked):
    assert json.loads(ejson.encode({"inside": [value]})) == {"inside": [marked]}
    assert ejson.decode(json.dumps({"inside": [marked]})) == {"inside": [value]}


def test_dates_lose_what_is_below_a_second():
    assert json.loads(ejson.encode(NOON.replace(microsecond=999_999))) == {"$date": 1767355200000}


def test_times_with_fractions_are_understood():
    assert ejson.decode('{"$time": "03:45:00.250000"}') == datetime.time(3, 45, 0, 250_000)


@pytest.mark.parametrize(
    "odd", [{"$date": "soon"}, {"$date": 10**30}, {"$time": "noon"}, {"$set": [[1]]}, {"$date": 1, "x": 2}]
)
def test_invalid_marked_objects_stay_unchanged(odd):
    assert ejson.decode(json.dumps(odd)) == odd


def test_text_is_sent_as_ascii():
    assert ejson.encode("grün") == '"gr\\u00fcn"'


@pytest.mark.parametrize("mapping", [{"$date": "x"}, {"$set": "x"}, {"$type": "a", "$value": "b"}])
def test_a_mapping_that_the_nas_would_misread_is_not_sent(mapping):
    with pytest.raises(ejson.NotSendable, match="special meaning"):
        ejson.encode([{"environment": mapping}])


def test_values_that_json_cannot_express_are_not_sent():
    with pytest.raises(ejson.NotSendable, match="type bytes"):
        ejson.encode([b"raw"])
    with pytest.raises(ValueError, match="not JSON compliant"):
        ejson.encode(float("nan"))
