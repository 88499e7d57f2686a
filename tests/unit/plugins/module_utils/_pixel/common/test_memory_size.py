# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test parsing and formatting amounts of memory."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.memory_size import (
    MIB,
    format_memory,
    parse_memory,
)


@pytest.mark.parametrize(
    ("text", "mebibytes"),
    [
        ("2GiB", 2048),
        ("2048MiB", 2048),
        ("2048", 2048),
        (2048, 2048),
        ("2G", 2048),
        ("2 gib", 2048),
        ("1.5GiB", 1536),
        ("1TiB", 1024 * 1024),
        ("32MiB", 32),
    ],
)
def test_common_notations_of_memory_are_accepted(text, mebibytes):
    assert parse_memory(text) == mebibytes * MIB


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        *(("", MIB), ("KiB", 2**10), ("MiB", 2**20), ("GiB", 2**30), ("TiB", 2**40)),
        *(("K", 2**10), ("M", 2**20), ("G", 2**30), ("T", 2**40)),
        *(("KB", 10**3), ("MB", 10**6), ("GB", 10**9), ("TB", 10**12)),
    ],
)
def test_each_unit_is_a_power_of_two_or_of_ten(unit, size):
    assert parse_memory(f"64000{unit}") == 64000 * size // MIB * MIB


def test_memory_is_rounded_down_to_whole_mebibytes():
    assert parse_memory("2GB") == 1907 * MIB


@pytest.mark.parametrize("text", ["", "much", "2 GiB 3", "-2GiB", "2PiB", "GiB", "0x10", "9" * 5000, "1.5e9", "٣"])
def test_an_invalid_amount_is_refused(text):
    with pytest.raises(Invalid, match="invalid amount of memory"):
        parse_memory(text)


@pytest.mark.parametrize("text", ["8388608TiB", "9" * 20])
def test_more_than_a_kernel_stores_is_refused(text):
    with pytest.raises(Invalid, match="use less than 8388608TiB"):
        parse_memory(text)

    assert parse_memory("8388607TiB") == 8388607 * MIB * MIB


@pytest.mark.parametrize("text", ["31MiB", "0", "1"])
def test_less_than_truenas_accepts_is_refused(text):
    with pytest.raises(Invalid, match="at least 32MiB"):
        parse_memory(text)


@pytest.mark.parametrize(("size", "text"), [(2048 * MIB, "2GiB"), (1536 * MIB, "1536MiB"), (1, "1B"), (None, None)])
def test_memory_has_its_shortest_exact_form(size, text):
    assert format_memory(size) == text
