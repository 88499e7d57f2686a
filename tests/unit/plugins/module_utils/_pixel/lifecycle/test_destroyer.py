# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what is destroyed with a pixel, and of what prevents it; tests of `pixels_container` destroy pixels."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import dataset_layout
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints.checkpoints import Checkpoint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import destroyer
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle.spec import CurrentState, PixelSpec
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import Snapshot

WEB = "tank/.ix-virt/containers/px-web"
ASIDE = dataset_layout.set_aside_name(WEB, "kept")
COPY = "tank/.ix-virt/containers/px-copy"
NOON = datetime.datetime(2026, 1, 31, 12, 0, 0, tzinfo=datetime.UTC)


def checkpoint(label, txg=1, *, dataset=WEB, holds=(), **details):
    return Checkpoint(Snapshot(dataset, label, NOON, txg, holds=holds), **details)


def test_its_dependents_are_reported_by_their_bare_names():
    copies = ("tank/.ix-virt/containers/px-copy", "tank/data")

    assert destroyer.dependents([checkpoint("ready", clones=copies)]) == (
        "copy (from ready)",
        "tank/data (from ready)",
    )
    assert destroyer.dependents([checkpoint("ready", clones=copies)], without={"px-copy"}) == (
        "tank/data (from ready)",
    )


def refuse(found, clones="refuse", labels=None):
    container = Container(PixelName("px-web"), "running", dataset=WEB)
    labels = labels or {clone: frozenset() for each in found for clone in each.clones}
    wanted = PixelSpec(PixelName("px-web"), "absent", clones=clones)
    destroyer.reject_destroy(CurrentState(container, checkpoints=tuple(found), labels_of_clones=labels), wanted)


@pytest.mark.parametrize("clones", ["refuse", "promote", "leave"])
def test_a_held_checkpoint_keeps_its_pixel(clones):
    with pytest.raises(Refused, match="web was not destroyed, and nothing was changed.*held checkpoints.* ready"):
        refuse([checkpoint("old"), checkpoint("ready", 2, holds=("truenas",))], clones)


@pytest.mark.parametrize(("clones", "goes"), [("promote", False), ("leave", True)])
def test_a_held_checkpoint_that_stays_for_a_clone_is_no_conflict(clones, goes):
    before, after = checkpoint("before", 1, holds=("truenas",)), checkpoint("after", 3, holds=("truenas",))

    refuse([before, checkpoint("cloned", 2, clones=(COPY,))], clones)
    if goes:
        refuse([checkpoint("cloned", 2, clones=(COPY,)), after], clones)
    else:
        with pytest.raises(Refused, match="held checkpoints.* after"):
            refuse([checkpoint("cloned", 2, clones=(COPY,)), after], clones)


def test_a_clone_takes_over_what_it_was_made_from_and_what_is_older():
    found = [checkpoint("one", 1), checkpoint("two", 2, clones=(COPY,)), checkpoint("three", 3)]

    assert destroyer.promoted_checkpoints(found, {COPY: {"own"}}) == found[:2]


def test_a_checkpoint_of_the_same_name_cannot_be_taken_over():
    found = [checkpoint("one", 1), checkpoint("two", 2, clones=(COPY,))]

    with pytest.raises(Refused, match="copy has checkpoints of the same names: delete one on one side"):
        destroyer.promoted_checkpoints(found, {COPY: {"one"}})


def test_a_clone_of_what_was_set_aside_may_take_over_what_that_depends_on():
    found = [
        checkpoint("one", 1),
        checkpoint("two", 2, set_aside=(ASIDE,)),
        checkpoint("kept", 3, dataset=ASIDE, depth=1, clones=(COPY,)),
    ]

    assert destroyer.promoted_checkpoints(found, {COPY: set()}) == [found[2], *found[:2]]
    with pytest.raises(Refused, match="delete two on one side"):
        destroyer.promoted_checkpoints(found, {COPY: {"two"}})


def test_what_others_depend_on_is_needed_with_all_in_between():
    found = [checkpoint("one", 1, set_aside=(ASIDE,)), checkpoint("kept", 2, dataset=ASIDE, depth=1, clones=(COPY,))]

    assert destroyer.datasets_in_use(found) == {WEB, ASIDE}
    assert (
        destroyer.datasets_in_use([checkpoint("one", 1, set_aside=(ASIDE,)), checkpoint("kept", 2, dataset=ASIDE)])
        == set()
    )
