# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of whether a container is of the image that is asked for."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.images import differs
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Image

NOBLE = Image(os="Ubuntu", release="noble", variant="default")


@pytest.mark.parametrize("asked", ["ubuntu/24.04", "ubuntu/noble", "ubuntu/noble/default", "Ubuntu/24.04"])
def test_a_release_is_the_same_by_number_and_by_name(asked):
    assert not differs(NOBLE, asked)


@pytest.mark.parametrize("asked", ["ubuntu/22.04", "ubuntu/jammy", "debian/12", "alpine/3.20"])
def test_another_release_or_system_differs(asked):
    assert differs(NOBLE, asked)


def test_systems_without_known_names_are_compared_by_what_they_say():
    assert not differs(Image(os="Alpine", release="3.20"), "alpine/3.20")
    assert differs(Image(os="Alpine", release="3.20"), "alpine/3.19")


@pytest.mark.parametrize("asked", ["0123456789ab", "my-image"])
def test_what_cannot_be_compared_is_taken_to_be_the_same(asked):
    assert not differs(NOBLE, asked)


def test_a_container_that_forgot_its_image_is_taken_to_be_the_same():
    assert not differs(Image(), "ubuntu/24.04")
