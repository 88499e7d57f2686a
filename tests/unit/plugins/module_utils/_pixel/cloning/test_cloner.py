# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of clones and of the snapshots that they are made from; tests of `pixels_container` make them in all ways."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import checkpoints
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning import cloner
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import Origin, find_source
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import NewContainer
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from tests.unit.plugins.conftest import put, read

NAME = PixelName("px-new")
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


@pytest.fixture
def clone(truenas, pixels, monkeypatch):
    """Return what clones a pixel that has a checkpoint `ready`."""
    monkeypatch.setattr(cloner, "ACTIVITY_TIMEOUT_S", 0.1)
    truenas.world.add_container("px-base")
    put(truenas, "/etc/hostname", "px-base\n", name="px-base")
    put(truenas, "/etc/ssh/ssh_host_ed25519_key", "secret of base", name="px-base", mode=0o600)
    put(truenas, "/etc/ssh/ssh_host_ed25519_key.pub", "ssh-ed25519 AAAA base", name="px-base")
    truenas.world.add_snapshot("px-base", "ready")

    def make():
        source = find_source(pixels, Origin(PixelName("px-base"), "ready"), NAME)
        cloner.clone(pixels, source, NewContainer(NAME, "ubuntu/24.04", pool="tank"), deadline=Deadline(20))

    return make


@pytest.fixture
def unfinished(truenas, clone):
    """Return a clone that could neither be completed nor removed."""
    for method in ("zfs.dataset.rename", "zfs.dataset.delete"):
        truenas.faults.add("fail_call", method=method, errno=14, reason="bad luck", times=2)
    with pytest.raises(PixelsError, match="Removing what had been created failed as well"):
        clone()
    truenas.faults.clear()
    return truenas.world.containers["px-new"]


def test_the_key_of_a_clone_is_its_own_and_pinned(truenas, pixels, clone, tmp_path):
    clone()

    key = read(truenas, "/etc/ssh/ssh_host_ed25519_key.pub", name="px-new").split()[1]
    assert key != "AAAA"
    assert key in (tmp_path / "state/pixels/known_hosts").read_text()


def test_a_clone_that_fails_between_two_renames_is_removed_without_a_rest(truenas, clone):
    before = truenas.world.as_json()
    truenas.faults.add("fail_call", method="zfs.dataset.rename", after=1, errno=14, reason="bad luck")

    with pytest.raises(PixelsError, match="bad luck") as error:
        clone()

    assert "Removing" not in str(error.value)
    assert truenas.world.as_json() == before


def test_an_unfinished_clone_is_replaced_without_a_rest(truenas, clone, unfinished):
    before = {"tank/.ix-virt/containers/px-base", "tank/.ix-virt/containers/px-new"}

    clone()

    assert {each for each in truenas.world.as_json()["datasets"] if "px-" in each} == before
    assert "PIXELS/cloning" not in truenas.world.containers["px-new"].environment


def test_an_unfinished_clone_that_was_started_is_kept_and_its_removal_is_the_hint(truenas, clone, unfinished):
    unfinished.status = "RUNNING"
    unfinished.starts = 1

    with pytest.raises(Refused, match="unfinished clone of base@ready") as error:
        clone()

    assert error.value.hints == (Hint.state("absent", "new", "to remove it"),)
    assert truenas.world.containers["px-new"].status == "RUNNING"
