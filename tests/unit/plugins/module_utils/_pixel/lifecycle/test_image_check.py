# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the prediction whether the NAS has an image."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import image_check
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.image_check import ImageCheck
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import PixelSpec
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.listed_image import ListedImage
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from ansible_collections.pixels.truenas.plugins.modules import pixels_container, pixels_fleet

LISTED = [
    ListedImage("ubuntu", "noble", "default", ("amd64",)),
    ListedImage("centos", "9-stream", "default", ("amd64",)),
]

METHODS = {"25.10": "virt.instance.image_choices", "26": "container.image.query_registry"}
both_apis = pytest.mark.parametrize("release", list(METHODS))


@pytest.mark.parametrize(
    ("alias", "certain"),
    [
        ("ubuntu/12.04", True),
        ("ubunut/24.04", True),
        ("ubuntu/noble/desktop", True),
        ("ubuntu/noble/cloud", False),
        ("centos/9", False),
        ("golden", False),
    ],
)
def test_only_an_alias_that_cannot_exist_is_certain_to_be_missing(alias, certain):
    assert image_check.is_certain(alias, LISTED) is certain


@both_apis
@pytest.mark.parametrize("check_mode", [True, False])
def test_an_image_that_does_not_exist_is_refused_with_similar_names_also_in_check_mode(run, truenas, check_mode):
    result = run(pixels_container, name="web", image="ubunut/24.04", check_mode=check_mode)

    assert result["error"]["kind"] == "Invalid"
    assert result["error"]["fields"][0]["field"] == "image"
    assert "has no image ubunut/24.04" in result["msg"]
    assert "Similar images: ubuntu/noble" in result["msg"]
    assert truenas.world.containers == {}


@both_apis
def test_a_list_that_cannot_be_read_stops_nothing(pixels, truenas, release):
    truenas.faults.add("fail_call", method=METHODS[release], errno=14, reason="no route to host")
    spec = PixelSpec(PixelName("px-web"), image="ubunut/24.04")

    assert ImageCheck(pixels, pytest.fail).error(spec) is None


@pytest.mark.parametrize("release", ["25.10"])
def test_an_alias_that_may_exist_without_being_listed_is_only_a_warning(pixels):
    warnings = []

    assert ImageCheck(pixels, warnings.append).error(PixelSpec(PixelName("px-web"), image="rockylinux/8")) is None

    assert "no image rockylinux/8: its list has no such image" in warnings[0]


@both_apis
def test_an_image_that_exists_and_a_pixel_that_exists_are_not_asked_about_twice(run, truenas, release):
    truenas.world.add_container("px-web", cpu=None)
    pixels = [{"name": name, "image": "ubuntu/24.04"} for name in ("web", "agent-1", "agent-2")]

    result = run(pixels_fleet, pixels=[*pixels, {"name": "gone", "state": "absent"}], check_mode=True)

    assert [each["outcome"] for each in result["pixels"]] == ["unchanged", "created", "created", "unchanged"]
    assert truenas.stats.calls[METHODS[release]] == 1


@pytest.mark.parametrize("release", ["25.10"])
def test_the_pixels_of_a_fleet_fail_one_by_one(run):
    pixels = [{"name": "web", "image": "ubuntu/12.04"}, {"name": "db", "image": "debian/12"}]

    result = run(pixels_fleet, pixels=pixels, check_mode=True)

    assert [each["outcome"] for each in result["pixels"]] == ["failed", "created"]
    assert "no image ubuntu/12.04" in result["pixels"][0]["msg"]
