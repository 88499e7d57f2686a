# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how measurements are shown."""

from __future__ import annotations

from bench.rows import Row, missed, table

QUICK = Row("a listing", 0.12, 0.1, "a bare script", 1.3)
SLOW = Row("a command", 0.15, 0.1, "ssh", 1.3)
FREE = Row("a playbook", 3.0, 1.0, "debug")


def test_what_takes_too_long_is_missed():
    assert missed([QUICK, SLOW, FREE]) == [SLOW]


def test_a_target_is_shown_with_whether_it_was_met():
    _header, quick, slow, free = table([QUICK, SLOW, FREE])

    assert quick.split()[-5:] == ["1.3", "met", "a", "bare", "script"]
    assert slow.split()[-3:] == ["1.3", "MISSED", "ssh"]
    assert free.split()[-2:] == ["3.00", "debug"]


def test_programs_get_both():
    shown = SLOW.as_json()

    assert (shown["target"], shown["met"], round(shown["ratio"], 2)) == (1.3, False, 1.5)
    assert FREE.as_json()["met"] is None
