# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a clone is asked to be made from; making it is tested with the module."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import cloning
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning import Origin
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
