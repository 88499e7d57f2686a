# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what TrueNAS 26 takes for a name and for a set of CPUs."""

from __future__ import annotations

import pytest

from tests.simulator.domain_rules import name_is_valid, wrong_cpuset


@pytest.mark.parametrize("name", ["px-web", "Web", "1", "a.b-c.d", "x" * 63, f"{'x' * 49}.{'y' * 50}"])
def test_hostnames_are_names(name: str) -> None:
    assert name_is_valid(name)


@pytest.mark.parametrize(
    "name", ["px_web", "-web", "web-", "a..b", ".a", "a.", "x" * 64, f"{'x' * 50}.{'y' * 50}", "10.0.0.1", "a/b", "ä"]
)
def test_anything_else_is_none(name: str) -> None:
    assert not name_is_valid(name)


@pytest.mark.parametrize("cpuset", [None, "0", "0-3,6", "2,1", "100"])
def test_sets_of_cpus(cpuset: str | None) -> None:
    assert wrong_cpuset(cpuset) is None


@pytest.mark.parametrize(
    ("cpuset", "text"),
    [
        ("1_0", "Underscores are not allowed in CPU set values"),
        ("3-1", "Invalid cpuset format: End of range has to greater that start: 3-1"),
        ("1-1", "Invalid cpuset format: End of range has to greater that start: 1-1"),
        ("1-2-3", "Invalid cpuset format: Range has to be in format start-end: 1-2-3"),
        ("x", "Invalid cpuset format: invalid literal for int() with base 10: 'x'"),
    ],
)
def test_what_is_no_set_of_cpus(cpuset: str, text: str) -> None:
    assert wrong_cpuset(cpuset) == text
