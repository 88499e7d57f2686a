# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what errors say was being tried."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.trying import trying


def test_an_error_keeps_its_kind_and_gains_what_was_tried():
    with pytest.raises(Invalid, match="^creating web: too little$") as caught, trying("creating web"):
        raise Invalid("too little", fields=(("memory", "too little"),))

    assert caught.value.fields == (("memory", "too little"),)


def test_errors_of_programs_pass_unchanged():
    with pytest.raises(KeyError), trying("creating web"):
        raise KeyError("name")
