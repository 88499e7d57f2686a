# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of selecting images."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import image_catalog
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.listed_image import (
    CachedBuild,
    ListedImage,
)

IMAGES = [
    ListedImage("centos", "9-Stream", "default", ("s390x",)),
    ListedImage("alpine", "3.22", "default", ("amd64",)),
    ListedImage("debian", "bookworm", "default", ("amd64", "arm64")),
    ListedImage("springdalelinux", "9", "default", ("arm64",)),
    ListedImage("ubuntu", "noble", "default", ("amd64",)),
    ListedImage("ubuntu", "noble", "cloud", ("amd64",)),
]


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        ({"os": "Ubuntu"}, ["ubuntu/noble", "ubuntu/noble/cloud"]),
        ({"release": "24.04"}, ["ubuntu/noble", "ubuntu/noble/cloud"]),
        ({"release": "NOBLE", "patterns": ["*/cloud"]}, ["ubuntu/noble/cloud"]),
        ({"architecture": "arm64"}, ["debian/bookworm", "springdalelinux/9"]),
        ({"patterns": ["debian/12", "Alpine/*"]}, ["alpine/3.22", "debian/bookworm"]),
        ({"os": "debian", "release": "noble"}, []),
        ({"release": "9-stream", "patterns": ["CentOS/9-STREAM"]}, ["centos/9-Stream"]),
    ],
)
def test_an_image_meets_all_conditions(conditions, names):
    assert [each.name for each in image_catalog.select(IMAGES, **conditions)] == names


def test_without_conditions_all_are_selected():
    assert image_catalog.select(IMAGES) == IMAGES


def test_a_result_has_only_plain_values():
    image = ListedImage("ubuntu", "noble", "default", ("amd64",), ("1",), (CachedBuild("tank", "1"),))

    assert image_catalog.as_dict(image) == {
        "name": "ubuntu/noble",
        "aliases": ["ubuntu/24.04"],
        "os": "ubuntu",
        "release": "noble",
        "variant": "default",
        "architectures": ["amd64"],
        "builds": ["1"],
        "cached": [{"pool": "tank", "build": "1"}],
    }
