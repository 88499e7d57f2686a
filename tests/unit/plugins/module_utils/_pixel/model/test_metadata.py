# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the validation of metadata."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.metadata import check_labels, check_text


def test_valid_metadata_becomes_strings():
    assert check_labels({"role": "builder", "number": 3}) == {"role": "builder", "number": "3"}
    assert check_text("owner", "alice smith") == "alice smith"


@pytest.mark.parametrize("name", ["a-b", "a.b", "a b", "", "é", "a/b"])
def test_an_invalid_label_name_is_refused(name):
    with pytest.raises(Invalid, match="letters, digits and underscores"):
        check_labels({name: "value"})


@pytest.mark.parametrize("value", ["", "  ", "x" * 1025])
def test_an_invalid_value_of_metadata_is_refused(value):
    with pytest.raises(Invalid, match="invalid (value|name)"):
        check_text("owner", value)


@pytest.mark.parametrize(
    ("check", "option"),
    [
        (lambda: check_text("owner", " "), "owner"),
        (lambda: check_labels({"a-b": "x"}), "labels"),
        (lambda: check_labels({"role": ""}), "labels"),
    ],
)
def test_an_invalid_value_is_a_problem_of_its_option(check, option):
    with pytest.raises(Invalid) as refused:
        check()

    assert [field for field, _problem in refused.value.fields] == [option]
    assert str(refused.value).startswith(f"{option}: invalid ")


def test_the_longest_value_that_the_nas_stores_is_accepted():
    assert check_text("owner", "x" * 1024) == "x" * 1024
