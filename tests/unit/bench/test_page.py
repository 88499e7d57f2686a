# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how tables are written into the page about performance."""

from __future__ import annotations

import pytest

from bench import page
from bench.rows import Row


def test_a_section_is_replaced_and_the_rest_stays(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("# Title\n\n<!-- begin a -->\nold\n<!-- end a -->\n\n<!-- begin b -->\nkept\n<!-- end b -->\n")

    page.replace("a", ["new"], path)

    assert path.read_text() == (
        "# Title\n\n<!-- begin a -->\n\nnew\n\n<!-- end a -->\n\n<!-- begin b -->\nkept\n<!-- end b -->\n"
    )


def test_a_section_that_is_missing_is_an_error(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("<!-- begin a -->\n")

    with pytest.raises(ValueError, match="no section a"):
        page.replace("a", [], path)


def test_a_row_shows_its_peer_and_whether_its_target_is_met():
    rows = [Row("list", 0.03, 0.02, "the interpreter", 1.6), Row("logins", 30, 20, "the limit", 1.0, unit="")]

    lines = list(page.table(rows))[2:]

    assert lines == [
        "| list | 0.030 s | 0.020 s, the interpreter | 1.50 | ≤ 1.6 | met |",
        "| logins | 30 | 20, the limit | 1.50 | ≤ 1 | missed |",
    ]


def test_each_subject_has_its_section():
    text = page.PAGE.read_text()
    runner = (page.ROOT / "bench/run").read_text()
    (subjects,) = (line for line in runner.splitlines() if line.startswith("SUBJECTS = "))

    for subject in [*subjects.split('"')[1::2], "machine"]:
        assert f"<!-- begin {subject} -->" in text
        assert f"<!-- end {subject} -->" in text
