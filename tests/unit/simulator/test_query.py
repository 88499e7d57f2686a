# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the query language of the middleware."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator import query
from tests.simulator.errors import GenericError, MatchNotFound

ROWS = [
    {"id": 1, "name": "px-web", "cpu": "2", "image": {"os": "Ubuntu"}, "tags": ["a", "b"], "note": None},
    {"id": 2, "name": "px-db", "cpu": "4", "image": {"os": "Debian"}, "tags": [], "note": "x"},
    {"id": 3, "name": "other", "cpu": None, "image": {"os": "Ubuntu"}, "tags": ["b"], "note": "y"},
]


def ids(filters: list[t.Any], **options: t.Any) -> list[int]:
    return [row["id"] for row in query.apply(ROWS, filters, options)]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (["id", "=", 1], [1]),
        (["id", "!=", 1], [2, 3]),
        (["id", ">", 1], [2, 3]),
        (["id", ">=", 2], [2, 3]),
        (["id", "<", 2], [1]),
        (["id", "<=", 2], [1, 2]),
        (["name", "~", "px-.*b"], [1, 2]),
        (["name", "in", ["px-db", "other"]], [2, 3]),
        (["name", "nin", ["px-db", "other"]], [1]),
        (["tags", "rin", "a"], [1]),
        (["tags", "rnin", "a"], [2, 3]),
        (["name", "^", "px-"], [1, 2]),
        (["name", "!^", "px-"], [3]),
        (["name", "$", "b"], [1, 2]),
        (["name", "!$", "b"], [3]),
        (["name", "C=", "PX-WEB"], [1]),
        (["name", "C^", "PX-"], [1, 2]),
        (["image.os", "=", "Ubuntu"], [1, 3]),
        (["tags.0", "=", "b"], [3]),
        (["cpu", "^", "2"], [1]),
        (["nowhere", "=", None], []),
        (["OR", [["id", "=", 1], ["id", "=", 3]]], [1, 3]),
        (["OR", [[["id", "=", 1], ["name", "^", "px-"]], ["id", "=", 3]]], [1, 3]),
    ],
)
def test_an_operator_selects_what_it_says(condition: list[t.Any], expected: list[int]) -> None:
    assert ids([condition]) == expected


def test_several_filters_must_all_hold() -> None:
    assert ids([["name", "^", "px-"], ["image.os", "=", "Debian"]]) == [2]


def test_a_star_is_any_element_of_a_list() -> None:
    rows = [{"aliases": [{"address": "10.0.0.1"}, {"address": "10.0.0.2"}]}]

    assert query.apply(rows, [["aliases.*.address", "=", "10.0.0.2"]]) == rows


def test_an_escaped_dot_is_part_of_a_key() -> None:
    rows = [{"config": {"limits.cpu": "2"}}]

    assert query.apply(rows, [["config.limits\\.cpu", "=", "2"]]) == rows


def test_rows_are_ordered_cut_and_counted() -> None:
    assert ids([], order_by=["-id"]) == [3, 2, 1]
    assert ids([], order_by=["name"]) == [3, 2, 1]
    assert ids([], order_by=["nulls_last:cpu"]) == [1, 2, 3]
    assert ids([], order_by=["nulls_first:-cpu"]) == [3, 2, 1]
    assert ids([], offset=1, limit=1) == [2]
    assert query.apply(ROWS, [["id", ">", 1]], {"count": True}) == 2


def test_select_keeps_the_nesting_and_renames() -> None:
    assert query.apply(ROWS, [["id", "=", 1]], {"select": ["name", "image.os"]}) == [
        {"name": "px-web", "image": {"os": "Ubuntu"}}
    ]
    assert query.apply(ROWS, [["id", "=", 1]], {"select": [["image.os", "os"], "gone"]}) == [{"os": "Ubuntu"}]


def test_get_returns_the_first_row_itself() -> None:
    assert query.apply(ROWS, [["name", "^", "px-"]], {"get": True, "order_by": ["-id"]}) == ROWS[1]


def test_get_without_a_match_is_an_error() -> None:
    with pytest.raises(MatchNotFound, match=r"MatchNotFound\(\)"):
        query.apply(ROWS, [["id", "=", 9]], {"get": True})


@pytest.mark.parametrize(
    ("filters", "text"),
    [
        (["id", "=", 1], "Invalid operation: i"),
        ([["id", "is", 1]], "Invalid operation: is"),
        ([["id", "=", 1, 2]], r"Invalid filter \['id', '=', 1, 2\]"),
        ([["AND", [["id", "=", 1]]]], "Invalid operation: AND"),
        ([["OR", []]], "OR filter requires at least one branch"),
    ],
)
def test_what_is_no_filter_is_refused(filters: list[t.Any], text: str) -> None:
    with pytest.raises(GenericError, match=text):
        query.apply(ROWS, filters)


def test_a_comparison_python_refuses_is_a_generic_error() -> None:
    with pytest.raises(GenericError) as caught:
        query.apply(ROWS, [["name", ">", 1]])

    assert caught.value.kind == "TypeError"
