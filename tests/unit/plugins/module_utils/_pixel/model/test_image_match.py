# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the comparison of images."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.image_match import differs
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Image

NOBLE = Image(os="Ubuntu", release="noble", variant="default")


@pytest.mark.parametrize(
    "asked", ["ubuntu/24.04", "ubuntu/noble", "ubuntu/noble/default", "Ubuntu/24.04", "ubuntu/24.04/amd64"]
)
def test_a_release_is_the_same_by_number_and_by_name(asked):
    assert not differs(NOBLE, asked)


@pytest.mark.parametrize("asked", ["ubuntu/22.04", "ubuntu/jammy", "debian/12", "alpine/3.20"])
def test_another_release_or_system_differs(asked):
    assert differs(NOBLE, asked)


def test_systems_without_known_code_names_are_compared_literally():
    assert not differs(Image(os="Alpine", release="3.20"), "alpine/3.20")
    assert differs(Image(os="Alpine", release="3.20"), "alpine/3.19")


@pytest.mark.parametrize("asked", ["0123456789ab", "my-image"])
def test_images_that_cannot_be_compared_never_differ(asked):
    assert not differs(NOBLE, asked)


def test_a_container_without_image_data_never_differs():
    assert not differs(Image(), "ubuntu/24.04")


@pytest.mark.parametrize("asked", ["ubuntu/24.04/cloud", "ubuntu/noble/desktop", "ubuntu/noble/cloud/amd64"])
def test_another_variant_differs(asked):
    assert differs(NOBLE, asked)
    assert not differs(Image(os="Ubuntu", release="noble", variant=asked.split("/")[2]), asked)


def test_an_alias_without_a_variant_is_the_default_one():
    assert differs(Image(os="Ubuntu", release="noble", variant="cloud"), "ubuntu/24.04")


def test_the_recorded_alias_never_differs():
    strange = Image(os="Ubuntu", release="golden", variant="x")

    assert not differs(strange, "ubuntu/24.04/our-own", recorded="ubuntu/24.04/our-own")
    assert not differs(strange, "GOLDEN", recorded="golden")
    assert not differs(NOBLE, "ubuntu/noble", recorded="ubuntu/24.04")


@pytest.mark.parametrize("asked", ["alpine", "golden", "debian/12", "ubuntu/24.04/cloud"])
def test_another_image_name_differs(asked):
    assert differs(NOBLE, asked, recorded="ubuntu/24.04")


def test_fingerprints_are_compared_with_fingerprints():
    assert not differs(NOBLE, "0123456789ab", recorded="ubuntu/24.04")
    assert not differs(NOBLE, "0123456789ab", recorded="0123456789ab")
    assert differs(NOBLE, "0123456789ab", recorded="ba9876543210")


@pytest.mark.parametrize(
    ("release", "asked", "other"),
    [
        ("bionic", "ubuntu/18.04", False),
        ("utopic", "ubuntu/14.10", False),
        ("noble", "ubuntu/14.10", True),
        ("utopic", "ubuntu/24.04", True),
        ("utopic", "ubuntu/vivid", True),
    ],
)
def test_a_number_and_an_unknown_code_name_never_differ(release, asked, other):
    assert differs(Image(os="Ubuntu", release=release, variant="default"), asked) is other
