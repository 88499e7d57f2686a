# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of finishing what a restore left half done; tests of the modules show how it comes to that."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import OutcomeUnknown, PixelsError, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import recovery

WEB = "tank/.ix-virt/containers/px-web"
ASIDE = "tank/.ix-virt/deleted/containers/px-web.kept"


@pytest.fixture
def release():
    """One is enough: the calls it takes are the same on both."""
    return "25.10"


@pytest.fixture
def storage(truenas):
    truenas.world.add_container("px-web", status="STOPPED")
    truenas.world.add_snapshot("px-web", "ready")
    truenas.world.add_snapshot("px-web", "kept")
    return truenas.world.storage


@pytest.fixture
def cloned(truenas, storage):
    """A clone is at home that has taken nothing over."""
    truenas.world.run(storage.move(WEB, ASIDE))
    truenas.world.run(storage.clone(f"{ASIDE}@ready", WEB))
    return storage


def test_a_whole_pixel_is_left_alone(truenas, storage, pixels):
    before = truenas.world.as_json()

    assert not recovery.recover(pixels, pixels.get("web"))
    assert truenas.world.as_json() == before


def test_what_was_set_aside_comes_home(truenas, storage, pixels):
    before = truenas.world.as_json()
    truenas.world.run(storage.move(WEB, ASIDE))

    assert recovery.recover(pixels, pixels.get("web"))
    assert truenas.world.as_json() == before


def test_a_clone_takes_over_what_it_descends_from(truenas, cloned, pixels):
    assert recovery.recover(pixels, pixels.get("web"))

    assert [each.label for each in cloned.zfs.of(WEB)] == ["ready"]
    assert cloned.zfs.datasets[ASIDE].origin == f"{WEB}@ready"


def test_nothing_is_taken_from_the_image(truenas, cloned, pixels):
    recovery.promote_restored(pixels, WEB)
    recovery.promote_restored(pixels, WEB)

    assert cloned.zfs.datasets[WEB].origin.endswith("@readonly")
    assert cloned.zfs.datasets[WEB].origin.startswith("tank/.ix-virt/images/")


def test_an_answer_that_is_lost_is_looked_up(truenas, cloned, pixels):
    truenas.faults.add("drop_before_reply", method="pool.dataset.promote")

    recovery.promote_restored(pixels, WEB)

    assert f"{WEB}@ready" in cloned.zfs.snapshots


def test_what_was_not_done_is_no_success(truenas, cloned, pixels):
    truenas.faults.add("drop_before_call", method="pool.dataset.promote")

    with pytest.raises(OutcomeUnknown):
        recovery.promote_restored(pixels, WEB)


def test_an_answer_that_is_lost_for_good_leaves_the_outcome_unknown(truenas, cloned, pixels, monkeypatch):
    find = recovery.datasets.find
    rows = iter([find(pixels.wire, WEB)])

    def find_once(_wire, _name):
        for row in rows:
            return row
        raise Refused("no answer")

    monkeypatch.setattr(recovery.datasets, "find", find_once)
    truenas.faults.add("drop_before_reply", method="pool.dataset.promote")

    with pytest.raises(OutcomeUnknown, match="pool.dataset.promote was sent"):
        recovery.promote_restored(pixels, WEB)


def test_what_is_tried_is_reported_when_it_fails(truenas, cloned, pixels):
    truenas.faults.add("fail_call", method="pool.dataset.promote", errno=14, reason="bad luck")

    with pytest.raises(PixelsError, match=r"an interrupted restore of web on 127.*bad luck"):
        recovery.recover(pixels, pixels.get("web"))
