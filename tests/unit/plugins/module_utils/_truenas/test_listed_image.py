# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the names of an image."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.listed_image import ListedImage


@pytest.mark.parametrize(
    ("os", "release", "variant", "name", "aliases"),
    [
        ("ubuntu", "noble", "default", "ubuntu/noble", ("ubuntu/24.04",)),
        ("debian", "bookworm", "cloud", "debian/bookworm/cloud", ("debian/12/cloud",)),
        ("alpine", "3.22", "default", "alpine/3.22", ()),
    ],
)
def test_an_image_has_its_release_and_only_another_variant_in_its_name(os, release, variant, name, aliases):
    image = ListedImage(os, release, variant, ("amd64", "arm64"))

    assert (image.name, image.aliases) == (name, aliases)
    assert image.registry_names == [f"{os}:{release}:{each}:{variant}" for each in ("amd64", "arm64")]
