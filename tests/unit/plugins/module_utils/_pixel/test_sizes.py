# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of amounts of memory."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.sizes import MIB, format_memory, parse_memory


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
def test_memory_is_read_as_people_write_it(text, mebibytes):
    assert parse_memory(text) == mebibytes * MIB


def test_memory_is_cut_to_whole_mebibytes_as_truenas_does():
    assert parse_memory("2GB") == 1907 * MIB


@pytest.mark.parametrize("text", ["", "much", "2 GiB 3", "-2GiB", "2PiB", "GiB", "0x10"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(Invalid, match="not an amount"):
        parse_memory(text)


@pytest.mark.parametrize("text", ["31MiB", "0", "1"])
def test_less_than_truenas_accepts_is_refused(text):
    with pytest.raises(Invalid, match="32MiB or more"):
        parse_memory(text)


@pytest.mark.parametrize(("size", "text"), [(2048 * MIB, "2GiB"), (1536 * MIB, "1536MiB"), (1, "1B"), (None, None)])
def test_memory_is_shown_the_shortest_exact_way(size, text):
    assert format_memory(size) == text
