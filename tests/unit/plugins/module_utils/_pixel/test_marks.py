# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of notes on pixels."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.marks import check_labels, check_note


def test_what_can_be_kept_is_kept_as_text():
    assert check_labels({"role": "builder", "number": 3}) == {"role": "builder", "number": "3"}
    assert check_note("owner", "alice smith") == "alice smith"


@pytest.mark.parametrize("name", ["a-b", "a.b", "a b", "", "é", "a/b"])
def test_a_name_that_cannot_be_kept_is_refused(name):
    with pytest.raises(Invalid, match="letters, digits and underscores"):
        check_labels({name: "value"})


@pytest.mark.parametrize("value", ["", "  ", "x" * 1025])
def test_a_value_that_cannot_be_kept_is_refused(value):
    with pytest.raises(Invalid, match="cannot be kept"):
        check_note("owner", value)
