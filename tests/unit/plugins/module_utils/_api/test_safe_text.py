# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from a NAS or a guest is safe to show."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import QUOTE_LIMIT, TEXT_LIMIT, safe_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, äöü, 漢字, 🙂", "plain text, äöü, 漢字, 🙂"),
        ("a\\b", "a\\b"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("x\nError: the disk is gone", "x\\nError: the disk is gone"),
        ("x\r\tx\x7f\x00", "x\\r\\tx\\x7f\\x00"),
        ("\x9b31m\x85", "\\x9b31m\\x85"),
        ("\u202egnp.exe\u2066\u200b\ufeff", "\\u202egnp.exe\\u2066\\u200b\\ufeff"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800 \udcff", "\\ud800 \\udcff"),
        ("a\u00a0b\u3000c", "a\u00a0b\u3000c"),
        (b"b\xc3\xa4r\xff\x1b", "bär\\xff\\x1b"),
        (5, "5"),
        (None, "None"),
    ],
)
def test_what_a_terminal_would_interpret_becomes_a_visible_escape(text: object, shown: str) -> None:
    assert safe_text(text) == shown


@pytest.mark.wide
def test_no_code_point_of_unicode_gets_through_that_controls_a_terminal_or_the_order_of_text() -> None:
    shown = "".join(safe_text(chr(number)) for number in range(sys.maxunicode + 1))

    assert {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"} == set()
    assert shown.encode("utf-8")


def test_a_long_text_is_cut_and_says_so() -> None:
    shown = safe_text("x" * 1_000_000)

    assert len(shown) == TEXT_LIMIT
    assert shown.endswith("xx [... truncated]")


def test_a_text_that_is_long_only_with_its_escapes_is_cut() -> None:
    shown = safe_text("\x1b" * QUOTE_LIMIT, limit=QUOTE_LIMIT)

    assert len(shown) == QUOTE_LIMIT
    assert shown.endswith(" [... truncated]")


@pytest.mark.parametrize("text", ["a\\x1b\x1b\n", "\U000e0041" * TEXT_LIMIT])
def test_a_safe_text_stays_as_it_is(text: str) -> None:
    assert safe_text(safe_text(text)) == safe_text(text)


def test_an_error_reads_as_one_safe_line() -> None:
    error = Refused("web: the NAS said \x1b[2J\nError: all is lost " + "x" * 1_000_000)

    assert str(error).startswith("web: the NAS said \\x1b[2J\\nError: all is lost xx")
    assert f"{error}" == str(error)
    assert len(str(error)) == TEXT_LIMIT
