# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of where the files of a pixel are found, also after a restore was broken off."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import checkpoints, mending, whereabouts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

WEB = "tank/.ix-virt/containers/px-web"
ASIDE = "tank/.ix-virt/deleted/containers/px-web."


class Nas:
    """A wire nobody talks over."""

    nas = "nas.example.org"


@pytest.fixture
def release():
    """One is enough: the calls it takes are the same on both."""
    return "25.10"


def test_the_dataset_is_the_containers_own_or_below_the_prefix():
    container = Container("px-web", "running", dataset=WEB)

    assert whereabouts.dataset_of(Pixels(Nas()), container) == WEB
    assert whereabouts.dataset_of(Pixels(Nas(), dataset_prefix="a/b/"), container) == "a/b/px-web"


def test_a_dataset_the_nas_does_not_tell_can_be_said():
    with pytest.raises(Unsupported, match="set dataset_prefix"):
        whereabouts.dataset_of(Pixels(Nas()), Container("px-web", "running"))


def test_what_is_set_aside_goes_where_incus_does_not_look_for_containers():
    aside = whereabouts.set_aside_as(WEB, "one")

    assert aside == "tank/.ix-virt/deleted/containers/px-web.one"
    assert whereabouts.is_aside(WEB, aside)
    assert not whereabouts.is_aside(f"{WEB}-2", aside)
    assert whereabouts.set_aside_as("a/b/px-web", "one") == "a/b/px-web.one"


@pytest.fixture
def storage(truenas):
    """Of a stopped pixel with the checkpoints C(one), C(two) and C(three)."""
    truenas.world.add_container("px-web", status="STOPPED")
    for label in ("one", "two", "three"):
        truenas.world.add_snapshot("px-web", label)
    return truenas.world.storage


def broken_off(truenas, label, *, kept, cloned=True):
    """What a restore with safety to a checkpoint leaves when nobody promotes its clone, or none is made."""
    storage = truenas.world.storage
    source = next(each.id for each in storage.zfs.snapshots.values() if each.label == label and "px-web" in each.id)
    truenas.world.add_snapshot("px-web", kept)
    truenas.world.run(storage.move(WEB, ASIDE + kept))
    if cloned:
        truenas.world.run(storage.clone(source.replace(f"{WEB}@", f"{ASIDE}{kept}@"), WEB))


def restored(truenas, label, *, kept):
    broken_off(truenas, label, kept=kept)
    while (truenas.world.storage.zfs.datasets[WEB].origin or "").startswith(ASIDE):
        truenas.world.run(truenas.world.storage.promote(WEB))


def listed(pixels):
    found = checkpoints.of(pixels, pixels.get("web"))
    return [(each.label, each.depth > 0, bool(each.asides)) for each in found]


def test_of_most_pixels_nothing_is_halfway(truenas, storage, pixels):
    assert whereabouts.halfway(pixels, pixels.get("web")) is None
    restored(truenas, "two", kept="kept")

    assert whereabouts.halfway(pixels, pixels.get("web")) is None


def test_what_is_not_at_home_is_found(truenas, storage, pixels):
    restored(truenas, "two", kept="first")
    broken_off(truenas, "one", kept="second", cloned=False)

    found = whereabouts.halfway(pixels, pixels.get("web"))

    assert (found.missing, found.root) == (True, f"{ASIDE}second")


def test_a_clone_at_home_is_followed_to_the_oldest_of_what_it_descends_from(truenas, storage, pixels):
    restored(truenas, "one", kept="first")
    broken_off(truenas, "three", kept="second")

    found = whereabouts.halfway(pixels, pixels.get("web"))

    assert not found.missing
    assert found.inherited == (f"{ASIDE}first@three", f"{ASIDE}second@one")


def test_what_was_set_aside_for_another_reason_is_left_alone(truenas, storage, pixels):
    truenas.world.run(storage.move(WEB, f"{ASIDE}unused"))

    assert whereabouts.halfway(pixels, pixels.get("web")) is None


@pytest.mark.parametrize("label", ["one", "two", "three", "first"])
@pytest.mark.parametrize("cloned", [False, True])
def test_checkpoints_show_halfway_as_they_are_afterwards(truenas, storage, pixels, label, cloned):
    restored(truenas, "two", kept="first")
    broken_off(truenas, label, kept="second", cloned=cloned)

    halfway = listed(pixels)

    assert mending.mend(pixels, pixels.get("web"))
    assert listed(pixels) == halfway
    assert {each for each, _aside, _branched in halfway} == {"one", "two", "three", "first", "second"}
    assert not mending.mend(pixels, pixels.get("web"))
