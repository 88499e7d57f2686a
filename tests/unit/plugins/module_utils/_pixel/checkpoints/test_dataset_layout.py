# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of where the files of a pixel are found, also after a restore was broken off."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Unsupported
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import (
    checkpoints,
    dataset_layout,
    recovery,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

WEB = "tank/.ix-virt/containers/px-web"
ASIDE = "tank/.ix-virt/deleted/containers/px-web."


class Nas:
    """A wire without calls."""

    nas = "nas.example.org"


@pytest.fixture
def release():
    """One is enough: the calls it takes are the same on both."""
    return "25.10"


def test_the_dataset_is_the_containers_own_or_below_the_prefix():
    container = Container(PixelName("px-web"), "running", dataset=WEB)

    assert dataset_layout.dataset_of(Pixels(Nas()), container) == WEB
    assert dataset_layout.dataset_of(Pixels(Nas(), dataset_prefix="a/b/"), container) == "a/b/px-web"


def test_a_dataset_that_the_nas_does_not_report_can_be_configured():
    with pytest.raises(Unsupported, match="Set dataset_prefix"):
        dataset_layout.dataset_of(Pixels(Nas()), Container(PixelName("px-web"), "running"))


def test_what_is_set_aside_goes_where_incus_does_not_search_for_containers():
    aside = dataset_layout.set_aside_name(WEB, "one")

    assert aside == "tank/.ix-virt/deleted/containers/px-web.one"
    assert dataset_layout.is_set_aside(WEB, aside)
    assert not dataset_layout.is_set_aside(f"{WEB}-2", aside)
    assert dataset_layout.set_aside_name("a/b/px-web", "one") == "a/b/px-web.one"


@pytest.fixture
def storage(truenas):
    """Of a stopped pixel with the checkpoints `one`, `two` and `three`."""
    truenas.world.add_container("px-web", status="STOPPED")
    for label in ("one", "two", "three"):
        truenas.world.add_snapshot("px-web", label)
    return truenas.world.storage


def broken_off(truenas, label, *, kept, cloned=True):
    """A restore with safety that is interrupted before its clone is created, or before it is promoted."""
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
    found = checkpoints.list_checkpoints(pixels, pixels.get("web"))
    return [(each.label, each.depth > 0, bool(each.set_aside)) for each in found]


def test_most_pixels_have_nothing_unfinished(truenas, storage, pixels):
    assert dataset_layout.find_interrupted_restore(pixels, pixels.get("web")) is None
    restored(truenas, "two", kept="kept")

    assert dataset_layout.find_interrupted_restore(pixels, pixels.get("web")) is None


def test_what_is_not_at_home_is_found(truenas, storage, pixels):
    restored(truenas, "two", kept="first")
    broken_off(truenas, "one", kept="second", cloned=False)

    found = dataset_layout.find_interrupted_restore(pixels, pixels.get("web"))

    assert (found.missing, found.root) == (True, f"{ASIDE}second")


def test_a_clone_at_home_is_followed_to_the_oldest_of_what_it_descends_from(truenas, storage, pixels):
    restored(truenas, "one", kept="first")
    broken_off(truenas, "three", kept="second")

    found = dataset_layout.find_interrupted_restore(pixels, pixels.get("web"))

    assert not found.missing
    assert found.inherited == (f"{ASIDE}first@three", f"{ASIDE}second@one")


def test_what_was_set_aside_for_another_reason_is_left_alone(truenas, storage, pixels):
    truenas.world.run(storage.move(WEB, f"{ASIDE}unused"))

    assert dataset_layout.find_interrupted_restore(pixels, pixels.get("web")) is None


@pytest.mark.parametrize("label", ["one", "two", "three", "first"])
@pytest.mark.parametrize("cloned", [False, True])
def test_unfinished_checkpoints_are_shown_as_finished_ones(truenas, storage, pixels, label, cloned):
    restored(truenas, "two", kept="first")
    broken_off(truenas, label, kept="second", cloned=cloned)

    halfway = listed(pixels)

    assert recovery.recover(pixels, pixels.get("web"))
    assert listed(pixels) == halfway
    assert {each for each, _aside, _branched in halfway} == {"one", "two", "three", "first", "second"}
    assert not recovery.recover(pixels, pixels.get("web"))


def test_a_clone_stays_on_the_pool_of_its_source():
    where = dataset_layout.clone_datasets("fast/.ix-virt/containers/px-base", "px-new")

    assert where.target == "fast/.ix-virt/containers/px-new"
    assert where.mounted.startswith("/mnt/fast/.pixels-px-new.")
    assert where.unused.startswith("fast/.ix-virt/deleted/containers/px-new.unused-")


def test_two_that_make_the_same_clone_do_not_conflict():
    one, other = (dataset_layout.clone_datasets("tank/.ix-virt/containers/px-base", "px-new") for _each in range(2))

    assert one.target == other.target
    assert one.staged != other.staged
    assert one.unused != other.unused
    assert {one.all_staged, one.all_unused} == {other.all_staged, other.all_unused}
    assert not dataset_layout.clone_datasets("tank/.ix-virt/containers/px-base", "px-new-2").staged.startswith(
        one.all_staged
    )
