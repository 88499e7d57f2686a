# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of labels, of what prevents a deletion, and of pruning, without a NAS."""

from __future__ import annotations

import datetime
import re

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, NotFound, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import checkpoints, dataset_layout
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints.checkpoints import (
    COLLECTION,
    MADE_BY,
    PURPOSE,
    Checkpoint,
    CheckpointSpec,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.change import Change
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Metadata
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import Snapshot
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.virt_backend import VirtBackend

WEB = "tank/.ix-virt/containers/px-web"
NOON = datetime.datetime(2026, 1, 31, 12, 0, 0, tzinfo=datetime.UTC)


def checkpoint(label, *, purpose="checkpoint", holds=(), **details):
    properties = {MADE_BY: COLLECTION, PURPOSE: purpose} if purpose else {}
    return Checkpoint(Snapshot(WEB, label, NOON, 1, holds=holds, properties=properties), **details)


def test_a_label_is_the_time_in_utc():
    assert checkpoints.timestamp_label(now=NOON) == "px-20260131-120000"


@pytest.mark.parametrize(
    ("taken", "label"), [((), "a"), (("a",), "a-2"), (("a", "a-2"), "a-3"), (("a-2",), "a"), (("a", "a-3"), "a-2")]
)
def test_a_label_gets_a_number_where_it_is_taken(taken, label):
    assert checkpoints.unique("a", taken) == label


@pytest.mark.parametrize("label", ["ready", "px-20260131-120000", "v1.2", "a:b", "A_b", "7"])
def test_a_label_zfs_takes_is_taken(label):
    assert checkpoints.check_label(label, WEB) == label


@pytest.mark.parametrize("label", ["", " ", "a b", "a/b", "a@b", "-a", ".a", "ä", "a\n", "x" * 225])
def test_a_label_zfs_refuses_is_refused(label):
    with pytest.raises(Invalid, match="invalid checkpoint label"):
        checkpoints.check_label(label, WEB)


@pytest.mark.parametrize(
    ("keep", "is_new", "gone"),
    [
        (None, True, []),
        (3, True, ["one"]),
        (3, False, []),
        (1, True, ["one", "two", "three"]),
        (1, False, ["one", "two"]),
    ],
)
def test_the_oldest_go(keep, is_new, gone):
    found = [checkpoint(label) for label in ("one", "two", "three")]

    pruned = checkpoints.select_prunable(found, keep, is_new=is_new, label="new" if is_new else "three")

    assert [each.label for each in pruned] == gone


@pytest.mark.parametrize(
    "stays",
    [
        checkpoint("old", purpose=None),
        checkpoint("old", purpose="clone"),
        checkpoint("old", clones=(f"{WEB}-2",)),
        checkpoint("old", set_aside=(dataset_layout.set_aside_name(WEB, "one"),)),
        checkpoint("old", holds=("truenas",)),
    ],
    ids=["not ours", "origin of a clone", "cloned from", "branched from", "held"],
)
def test_what_is_needed_or_not_of_the_collection_stays(stays):
    assert checkpoints.select_prunable([stays, checkpoint("new")], 1, is_new=False, label="new") == ()


def test_what_is_asked_for_is_never_pruned_itself():
    found = [checkpoint("asked"), checkpoint("later")]

    assert checkpoints.select_prunable(found, 1, is_new=False, label="asked") == ()


class Nas:
    """A wire without calls."""

    nas = "nas.example.org"


@pytest.fixture
def nas():
    pixels = Pixels(Nas())
    # Incus tracks snapshots that it named itself.
    pixels.backend = VirtBackend(pixels.wire, None)
    return pixels


def web(status="running", **marks):
    return Container(PixelName("px-web"), status, dataset=WEB, metadata=Metadata(**marks))


def plan(nas, found, container=None, **spec):
    return checkpoints.plan(nas, container or web(), found, CheckpointSpec(**spec))


def test_a_new_checkpoint_is_taken_and_the_oldest_one_of_the_collection_is_deleted(nas):
    found = [checkpoint("theirs", purpose=None), checkpoint("one"), checkpoint("two")]

    planned = plan(nas, found, label="three", keep=2)

    assert planned.label == "three"
    assert [each.label for each in planned.pruned] == ["one"]
    assert planned.to_delete == ()
    assert planned.change == Change(
        {"checkpoints": ["theirs", "one", "two"]}, {"checkpoints": ["theirs", "two", "three"]}
    )


def test_a_checkpoint_that_exists_is_not_taken_again(nas):
    planned = plan(nas, [checkpoint("one"), checkpoint("two")], label="two")

    assert (planned.label, planned.pruned, planned.change.needed) == (None, (), False)


def test_a_checkpoint_without_a_label_is_named_after_the_time(nas):
    planned = plan(nas, [])

    assert re.fullmatch(r"px-\d{8}-\d{6}", planned.label)
    assert planned.change.after == {"checkpoints": [planned.label]}


def test_a_checkpoint_that_should_be_absent_is_deleted_alone(nas):
    found = [checkpoint("one"), checkpoint("two")]

    planned = plan(nas, found, state="absent", label="one")

    assert (planned.label, planned.to_delete, planned.pruned) == ("one", (found[0],), ())
    assert planned.change == Change({"checkpoints": ["one", "two"]}, {"checkpoints": ["two"]})
    assert not plan(nas, found, state="absent", label="three").change.needed


@pytest.mark.parametrize("keep", [0, -1])
def test_less_than_one_checkpoint_cannot_be_kept(nas, keep):
    with pytest.raises(Invalid, match="keep must be at least 1") as refused:
        plan(nas, [], keep=keep)

    assert refused.value.fields == (("keep", "less than 1"),)
    assert plan(nas, [checkpoint("one")], keep=1, label="two").change.after == {"checkpoints": ["two"]}


@pytest.mark.parametrize(
    ("stays", "reason"),
    [
        (checkpoint("one", clones=(f"{WEB}-2", "tank/other")), "these were cloned from it: web-2, tank/other"),
        (
            checkpoint("one", set_aside=(dataset_layout.set_aside_name(WEB, "px-safety-1"),)),
            "states that a restore set aside depend on it, with the checkpoints px-safety-1: delete those first",
        ),
        (checkpoint("one", holds=("a", "b")), "it is held (a, b): release it in the TrueNAS web interface"),
    ],
    ids=["clones", "set aside", "held"],
)
def test_what_cannot_be_deleted_is_refused_with_the_reason(nas, stays, reason):
    with pytest.raises(Refused) as refused:
        plan(nas, [stays], state="absent", label="one")

    assert str(refused.value) == f"checkpoint one of web on nas.example.org cannot be deleted: {reason}"


def test_datasets_that_are_empty_do_not_prevent_a_deletion():
    name = dataset_layout.set_aside_name(WEB, "px-safety-1")

    assert checkpoints.deletion_blocker(checkpoint("one", set_aside=(name,), empty=(name,))) is None


def test_a_label_that_incus_tracks_is_refused_only_where_it_is_new(nas):
    prefix = nas.backend.tracked_snapshots

    with pytest.raises(Invalid, match="Incus tracks snapshots whose names begin with") as refused:
        plan(nas, [], label=f"{prefix}one")
    assert [field for field, _problem in refused.value.fields] == ["label"]
    assert not plan(nas, [checkpoint(f"{prefix}one")], label=f"{prefix}one").change.needed


def test_snapshots_that_incus_tracks_are_not_destroyed_behind_its_back(nas):
    prefix = nas.backend.tracked_snapshots
    theirs = [checkpoint(f"{prefix}{name}", purpose=None) for name in ("a", "b")]

    with pytest.raises(Refused) as refused:
        checkpoints.reject_tracked(nas, web(), [checkpoint("one"), *theirs], "web was not restored")

    assert str(refused.value).startswith(f"web was not restored: Incus tracks its own snapshots {prefix}a, {prefix}b, ")
    assert str(refused.value).endswith(": incus snapshot delete px-web a; incus snapshot delete px-web b")
    checkpoints.reject_tracked(nas, web(), [checkpoint(f"{prefix}ours"), checkpoint("theirs", purpose=None)], "")


@pytest.mark.parametrize(("stopped_by", "again"), [("checkpoint", True), ("restore", False), (None, False)])
def test_a_pixel_that_a_checkpoint_stopped_runs_again(nas, stopped_by, again):
    change = plan(nas, [checkpoint("one")], web("stopped", stopped_by=stopped_by), label="one").change

    assert change.needed is again
    if again:
        assert change == Change(
            {"checkpoints": ["one"], "status": "stopped", "stopped_by": "checkpoint"},
            {"checkpoints": ["one"], "status": "running"},
        )


def test_an_unknown_label_is_answered_with_those_that_exist(nas):
    found = [checkpoint("one"), checkpoint("two")]

    assert checkpoints.get_checkpoint(nas, web(), found, "two") is found[1]
    with pytest.raises(NotFound) as refused:
        checkpoints.get_checkpoint(nas, web(), found, "three")
    assert str(refused.value) == "web on nas.example.org has no checkpoint three; it has one, two"


@pytest.mark.parametrize(
    ("made", "is_managed", "purpose"),
    [
        (checkpoint("a", purpose=None), False, None),
        (checkpoint("a", purpose="safety"), True, "safety"),
        (Checkpoint(Snapshot(WEB, "a", NOON, 1, properties={MADE_BY: COLLECTION})), True, "checkpoint"),
        (Checkpoint(Snapshot(WEB, "a", NOON, 1, properties={MADE_BY: "other", PURPOSE: "safety"})), False, None),
    ],
)
def test_a_checkpoint_of_the_collection_is_recognized_by_its_properties(made, is_managed, purpose):
    assert (made.is_managed, made.purpose) == (is_managed, purpose)


def test_the_longest_label_that_zfs_accepts_is_accepted():
    longest = "x" * (255 - len(f"{WEB}@"))

    assert checkpoints.check_label(longest, WEB) == longest
    with pytest.raises(Invalid, match="it is longer than 255 characters") as refused:
        checkpoints.check_label(f"{longest}x", WEB)
    assert [field for field, _problem in refused.value.fields] == ["label"]


class Snapshots:
    """The snapshots of datasets, as far as they are listed."""

    def __init__(self, found):
        self._found = found

    def find_all(self, dataset):
        return self._found.get(dataset, [])


def snapshot(dataset, label, txg, clones=()):
    return Snapshot(dataset, label, NOON, txg, clones=clones)


def test_checkpoints_that_were_set_aside_are_listed_with_what_depends_on_them(nas):
    home = "tank/web"
    kept, empty = (dataset_layout.set_aside_name(home, name) for name in ("px-safety-1", "px-safety-2"))
    staged = dataset_layout.CloneDatasets(home, "0123").staged
    nas.snapshots = Snapshots(
        {
            home: [snapshot(home, "one", 1, (home, kept, empty, staged, "tank/copy")), snapshot(home, "three", 3)],
            kept: [snapshot(kept, "px-safety-1", 2)],
        }
    )

    one, aside, three = sorted(checkpoints.list_dataset(nas, home, home, 0), key=lambda each: each.snapshot.txg)

    assert (one.label, one.depth, one.clones) == ("one", 0, ("tank/copy",))
    assert (one.set_aside, one.empty) == ((kept, empty), (empty, staged))
    assert (aside.label, aside.depth) == ("px-safety-1", 1)
    assert (three.label, three.depth, three.set_aside, three.clones, three.empty) == ("three", 0, (), (), ())


def test_after_a_recovery_what_the_clone_inherits_is_its_own():
    kept = dataset_layout.set_aside_name(WEB, "px-safety-1")
    old, ready, newer = (
        Checkpoint(snapshot(kept, label, txg), depth=1) for txg, label in enumerate(("old", "ready", "newer"), 1)
    )
    interrupted = dataset_layout.InterruptedRestore(WEB, kept, missing=False, inherited=(ready.snapshot.id,))

    recovered = checkpoints.as_recovered(interrupted, [old, ready, newer])

    assert [(each.label, each.depth, each.set_aside) for each in recovered] == [
        ("old", 0, ()),
        ("ready", 0, (kept,)),
        ("newer", 1, ()),
    ]
