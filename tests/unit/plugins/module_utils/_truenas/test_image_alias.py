# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what the parts of an alias are."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.image_alias import CODENAMES, parts


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


def test_releases_have_the_code_names_that_their_images_are_named_after():
    assert CODENAMES["debian"] == dict(
        zip(("10", "11", "12", "13", "14"), ("buster", "bullseye", "bookworm", "trixie", "forky"), strict=True)
    )
    ubuntu = CODENAMES["ubuntu"]
    assert [ubuntu[number] for number in ("16.04", "18.04", "20.04", "22.04", "24.04", "26.04")] == [
        *("xenial", "bionic", "focal", "jammy", "noble", "resolute")
    ]
    assert [ubuntu[number] for number in ("24.10", "25.04", "25.10")] == ["oracular", "plucky", "questing"]


@pytest.mark.parametrize("architecture", ["amd64", "arm64", "armhf", "i386", "ppc64el", "riscv64", "s390x"])
def test_an_architecture_is_no_part_of_what_is_compared(architecture):
    assert parts(f"debian/12/{architecture}") == ("debian", "12", "default")
