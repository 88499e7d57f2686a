# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the snapshots that clones are made from; tests of `pixels_container` make whole clones."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import checkpoints
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning import cloner
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import Origin, find_source
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

SPARE = {checkpoints.MADE_BY: checkpoints.COLLECTION, checkpoints.PURPOSE: checkpoints.CLONE}


@pytest.fixture
def release():
    """One release is enough: the calls are the same in each that has clones."""
    return "25.10"


@pytest.fixture
def source(truenas, pixels):
    truenas.world.add_container("px-base")
    return find_source(pixels, Origin(PixelName("px-base")), PixelName("px-new"))


def labels(truenas):
    return {each.partition("@")[2] for each in truenas.world.as_json()["snapshots"] if "/px-base@" in each}


def test_the_snapshot_of_an_earlier_clone_is_replaced(truenas, pixels, source):
    first = cloner.take_origin(pixels, source)

    assert cloner.take_origin(pixels, source) == first == "px-clone-new"
    assert labels(truenas) == {"px-clone-new"}


def test_a_snapshot_that_the_user_took_is_kept(truenas, pixels, source):
    truenas.world.add_snapshot("px-base", "px-clone-new")

    taken = cloner.take_origin(pixels, source)
    cloner.delete_spare_origin(pixels, source.container, "px-clone-new")

    assert taken == "px-clone-new-2"
    assert labels(truenas) == {"px-clone-new", "px-clone-new-2"}


def test_the_snapshot_of_a_failed_clone_is_deleted(truenas, pixels, source):
    cloner.delete_spare_origin(pixels, source.container, cloner.take_origin(pixels, source))

    assert labels(truenas) == set()


def test_a_snapshot_that_cannot_be_deleted_is_named_with_the_command(truenas, pixels, source):
    taken = cloner.take_origin(pixels, source)
    truenas.faults.add("fail_call", method="pool.snapshot.delete", errno=14, reason="bad luck")

    with pytest.raises(PixelsError) as error:
        cloner.delete_spare_origin(pixels, source.container, taken)

    assert error.value.hints == (Hint.delete_checkpoint("base", taken),)


@pytest.mark.parametrize(
    ("properties", "spare"),
    [(SPARE, True), ({**SPARE, checkpoints.PURPOSE: checkpoints.CHECKPOINT}, False), ({}, False)],
)
def test_only_snapshots_for_one_clone_are_spare(properties, spare):
    assert cloner.is_spare_origin(properties) is spare
