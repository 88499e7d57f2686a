# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what the parts of an alias are."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.aliases import parts


@pytest.mark.parametrize(
    ("alias", "expected"),
    [
        ("ubuntu/24.04", ("ubuntu", "24.04", "default")),
        ("debian/bookworm/cloud", ("debian", "bookworm", "cloud")),
        ("debian/bookworm/arm64", ("debian", "bookworm", "default")),
        ("debian/bookworm/cloud/arm64", ("debian", "bookworm", "cloud")),
        ("archlinux", ("archlinux", "", "default")),
    ],
)
def test_an_alias_is_system_release_and_variant(alias, expected):
    assert parts(alias) == expected
