# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which environment variables a pixel can have."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.variables import check


def test_values_become_texts():
    assert check({"COUNT": 3, "a/b_C": "x y", "9": "z"}) == {"COUNT": "3", "a/b_C": "x y", "9": "z"}


@pytest.mark.parametrize("name", ["", "A B", "/A", "A-B", "A=B", "A.B", "A\n"])
def test_a_name_that_truenas_does_not_keep_is_refused(name):
    with pytest.raises(Invalid, match="environment: the name .* is made of other things"):
        check({name: "x"})


@pytest.mark.parametrize("value", ["", " ", "\n"])
def test_a_value_that_is_blank_is_refused(value):
    with pytest.raises(Invalid, match="TOKEN is empty or blank"):
        check({"TOKEN": value})


def test_a_value_that_is_too_long_is_refused_without_showing_it():
    with pytest.raises(Invalid, match="TOKEN is longer than 1024 characters") as refused:
        check({"TOKEN": "sesame" * 200})
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize("name", ["PIXELS/fleet", "PIXELS/label/role", "PIXELS/anything"])
def test_a_note_cannot_be_forged(name):
    with pytest.raises(Invalid, match="use the options fleet, owner and labels"):
        check({name: "agents"})
