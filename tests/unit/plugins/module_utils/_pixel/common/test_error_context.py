# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the context of errors."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.error_context import trying


def test_an_error_keeps_its_class_and_gets_a_prefix():
    with pytest.raises(Invalid, match="^creating web: too little$") as caught, trying("creating web"):
        raise Invalid("too little", fields=(("memory", "too little"),))

    assert caught.value.fields == (("memory", "too little"),)


def test_hints_go_to_an_error_without_any():
    first, second = Hint.advice("first"), Hint.advice("second")
    with pytest.raises(Invalid) as caught, trying("outer", second), trying("inner", first):
        raise Invalid("too little")

    assert caught.value.hints == (first,)


def test_other_exceptions_are_unchanged():
    with pytest.raises(KeyError), trying("creating web"):
        raise KeyError("name")
