# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of finding pixels by the names people use."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, NotFound, Refused


def test_a_pixel_is_found_with_and_without_its_prefix(pixels, truenas):
    truenas.world.add_container("px-web")

    assert pixels.find("web").name == "px-web"
    assert pixels.find("px-web").name == "px-web"


def test_what_is_not_there_is_none_or_an_error_that_says_where(pixels, truenas):
    assert pixels.find("web") is None
    with pytest.raises(NotFound, match=f"no pixel named web on {truenas.host}:{truenas.port}"):
        pixels.get("px-web")


def test_containers_of_others_are_out_of_reach(pixels, truenas):
    truenas.world.add_container("web")
    truenas.world.add_container("pxweb")

    assert pixels.find("web") is None
    assert pixels.list() == []


def test_pixels_come_by_name(pixels, truenas):
    for name in ("px-b", "px-c", "px-a"):
        truenas.world.add_container(name)

    assert [found.name for found in pixels.list()] == ["px-a", "px-b", "px-c"]


def test_a_name_that_cannot_be_is_refused_without_asking(pixels, truenas):
    with pytest.raises(Invalid):
        pixels.find("../web")

    assert "virt.instance.query" not in truenas.stats.methods_called


@pytest.mark.parametrize("state", ["NO_POOL", "LOCKED", "INITIALIZING", "ERROR"])
def test_a_nas_that_is_not_set_up_is_not_taken_for_an_empty_one(pixels, truenas, state):
    truenas.world.add_container("px-web")
    truenas.world.state = state

    with pytest.raises(Refused, match=state):
        pixels.list()
