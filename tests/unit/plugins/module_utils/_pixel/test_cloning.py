# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a clone is asked to be made from; making it is tested with the module."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, NotFound
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import cloning
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning import Origin, Sources
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Image, Marks


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("base", Origin("px-base")),
        ("px-base", Origin("px-base")),
        ("base@ready", Origin("px-base", "ready")),
        ("base:ready", Origin("px-base", "ready")),
        ("base@a:b", Origin("px-base", "a:b")),
        ("base:a:b", Origin("px-base", "a:b")),
    ],
)
def test_both_ways_to_write_it_are_understood(text, origin):
    assert cloning.parse(text) == origin


@pytest.mark.parametrize("text", ["", "@ready", ":ready", "base@", "ba_se@ready"])
def test_what_names_nothing_is_refused(text):
    with pytest.raises(Invalid):
        cloning.parse(text)


@pytest.mark.parametrize(
    ("origin", "is_one"),
    [
        (Origin("px-base", "ready"), True),
        (Origin("px-base"), True),
        (Origin("px-base", "later"), False),
        (Origin("px-other"), False),
    ],
)
def test_a_clone_knows_where_it_is_from(origin, is_one):
    made = Container("px-new", "running", marks=Marks(origin="base@ready"))

    assert cloning.is_from(made, origin) is is_one
    assert not cloning.is_from(Container("px-new", "running"), origin)


@pytest.mark.parametrize(
    ("image", "alias"),
    [
        (Image("Ubuntu", "noble", "default"), "ubuntu/noble"),
        (Image("Ubuntu", "noble", "cloud"), "ubuntu/noble/cloud"),
        (Image("Debian", "bookworm"), "debian/bookworm"),
        (Image(), None),
    ],
)
def test_the_image_is_looked_for_by_what_it_says_of_itself(image, alias):
    assert cloning.image_of(Container("px-base", "running", image=image)) == alias


def test_a_clone_stays_on_the_pool_of_its_source():
    where = cloning.places("fast/.ix-virt/containers/px-base", "px-new")

    assert where.home == "fast/.ix-virt/containers/px-new"
    assert where.mounted.startswith("/mnt/fast/.pixels-px-new.")
    assert where.unused.startswith("fast/.ix-virt/deleted/containers/px-new.unused-")


def test_two_that_make_the_same_clone_are_not_in_each_others_way():
    one, other = (cloning.places("tank/.ix-virt/containers/px-base", "px-new") for _each in range(2))

    assert one.home == other.home
    assert one.staged != other.staged
    assert one.unused != other.unused
    assert {one.all_staged, one.all_unused} == {other.all_staged, other.all_unused}
    assert not cloning.places("tank/.ix-virt/containers/px-base", "px-new-2").staged.startswith(one.all_staged)


@pytest.fixture
def base(truenas):
    made = truenas.world.add_container("px-base")
    truenas.world.add_snapshot("px-base", "ready")
    return made


def test_what_several_are_cloned_from_is_looked_at_once(pixels, truenas, base):
    sources = Sources(pixels)
    one = sources.find(Origin("px-base", "ready"), "px-one")
    truenas.stats.calls.clear()

    another = sources.find(Origin("px-base", "ready"), "px-another")

    assert another == one
    assert truenas.stats.calls.total() == 0


def test_each_clone_of_the_present_state_has_a_state_of_its_own(pixels, base):
    sources = Sources(pixels)

    one, another = (sources.find(Origin("px-base"), name)[0] for name in ("px-one", "px-another"))

    assert one.label != another.label
    assert one.seen is not another.seen


def test_each_is_told_by_its_own_name_what_it_cannot_be_cloned_from(pixels, base):
    sources = Sources(pixels)

    for name in ("one", "another"):
        with pytest.raises(NotFound, match=f"cloning {name} from base@gone"):
            sources.find(Origin("px-base", "gone"), f"px-{name}")


def test_a_source_that_is_known_is_still_not_cloned_from_itself(pixels, base):
    sources = Sources(pixels)
    sources.find(Origin("px-base", "ready"), "px-one")

    with pytest.raises(Invalid, match="base cannot be cloned from itself"):
        sources.find(Origin("px-base", "ready"), "px-base")
