# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of replies, and how a mismatch is named."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import shapes

ROW = shapes.Record({"name": shapes.text, "id": shapes.whole}, if_present={"note": shapes.optional(shapes.text)})


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (shapes.anything, object()),
        (shapes.text, ""),
        (shapes.flag, False),
        (shapes.whole, -(2**63)),
        (shapes.digits, "18446744073709551615"),
        (shapes.digits, 5),
        (shapes.moment, "1700000000"),
        (shapes.optional(shapes.text), None),
        (shapes.list_of(ROW), []),
        (shapes.list_of(ROW), [{"name": "a", "id": 1, "more": {}}, {"name": "b", "id": 2, "note": None}]),
        (shapes.mapping_of(shapes.whole), {"a": 1}),
        (shapes.texts, {"a"}),
        (shapes.texts, ["a"]),
    ],
)
def test_what_has_the_shape_passes(shape, value):
    shape(value, "")


@pytest.mark.parametrize(
    ("shape", "value", "message"),
    [
        (shapes.text, 5, "the result is a number, not text"),
        (shapes.flag, None, "the result is null, not true or false"),
        (shapes.whole, True, "the result is true or false, not a whole number"),
        (shapes.whole, 1.5, "the result is a fraction, not a whole number"),
        (shapes.whole, 10**4000, "the result is a larger number, not a whole number of at most 64 bits"),
        (shapes.digits, "9" * 4000, "the result is other text, not a whole number"),
        (shapes.digits, "²", "the result is other text, not a whole number"),
        (shapes.moment, "99999999999999", "the result is a number out of range, not a time in seconds since 1970"),
        (shapes.list_of(ROW), {}, "the result is an object, not a list"),
        (shapes.list_of(ROW), [{"name": "a", "id": 1}, {"id": 2}], "[1].name is missing"),
        (shapes.list_of(ROW), [{"name": "a", "id": "1"}], "[0].id is text, not a whole number"),
        (shapes.list_of(ROW), [{"name": "a", "id": 1, "note": 5}], "[0].note is a number, not text"),
        (shapes.mapping_of(shapes.text), {"a": None}, "a is null, not text"),
        (shapes.texts, [5], "[] is a number, not text"),
        (shapes.texts, "text", "the result is text, not a list"),
    ],
)
def test_a_mismatch_names_the_place_and_the_kind(shape, value, message):
    with pytest.raises(shapes.Mismatch) as caught:
        shape(value, "")

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (shapes.text, "text"),
        (shapes.flag, "true or false"),
        (shapes.list_of(shapes.text), "a list"),
        (shapes.texts, "a list"),
        (shapes.mapping_of(shapes.text), "an object"),
        (ROW, "an object"),
        (shapes.optional(shapes.mapping_of(shapes.text)), "an object"),
    ],
)
def test_a_value_inside_another_is_named_with_what_it_should_be(shape, expected):
    with pytest.raises(shapes.Mismatch) as caught:
        shape(5, "a.b")

    assert str(caught.value) == f"a.b is a number, not {expected}"


def test_a_mismatch_never_quotes_the_value():
    with pytest.raises(shapes.Mismatch) as caught:
        shapes.mapping_of(shapes.whole)({"password": "S3CRET"}, "")

    assert "S3CRET" not in str(caught.value)


def test_a_row_of_selected_columns_has_no_others():
    ROW.only(["name"])({"name": "a"}, "")

    with pytest.raises(shapes.Mismatch, match="name is missing"):
        ROW.only(["name"])({"id": 1}, "")
