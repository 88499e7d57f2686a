# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the validation of environment variables."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.env_vars import check


def test_values_become_strings():
    assert check({"COUNT": 3, "a/b_C": "x y", "9": "z"}) == {"COUNT": "3", "a/b_C": "x y", "9": "z"}


@pytest.mark.parametrize("name", ["", "A B", "/A", "A-B", "A=B", "A.B", "A\n"])
def test_a_variable_name_that_truenas_does_not_accept_is_refused(name):
    with pytest.raises(Invalid, match="environment: invalid name .*: use letters, digits"):
        check({name: "x"})


@pytest.mark.parametrize("value", ["", " ", "\n"])
def test_a_value_that_is_blank_is_refused(value):
    with pytest.raises(Invalid, match="TOKEN is blank"):
        check({"TOKEN": value})


def test_a_value_that_is_too_long_is_refused_without_showing_it():
    with pytest.raises(Invalid, match="TOKEN is longer than 1024 characters") as refused:
        check({"TOKEN": "sesame" * 200})
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize("name", ["PIXELS/fleet", "PIXELS/label/role", "PIXELS/anything"])
def test_a_record_cannot_be_forged(name):
    with pytest.raises(Invalid, match="use the options fleet, owner and labels"):
        check({name: "agents"})


def test_an_invalid_variable_is_a_problem_of_the_option_environment():
    with pytest.raises(Invalid) as refused:
        check({"TOKEN": ""})

    assert [field for field, _problem in refused.value.fields] == ["environment"]
