# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of creating, pruning and deleting checkpoints."""

from __future__ import annotations

import itertools
import re

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import checkpoints
from ansible_collections.pixels.truenas.plugins.modules import pixels_checkpoint

WEB = "tank/.ix-virt/containers/px-web"


@pytest.fixture
def checkpoint(run):
    """Run the module with short timeouts."""

    def run_module(name="web", **params):
        return run(pixels_checkpoint, **{"name": name, "wait_timeout": 20, **params})

    return run_module


@pytest.fixture
def at_noon(monkeypatch):
    """Fix the time in generated labels."""
    monkeypatch.setattr(checkpoints, "timestamp_label", lambda prefix="px", now=None: f"{prefix}-20260131-120000")


def labels(truenas, dataset=WEB):
    return [each.label for each in truenas.world.storage.zfs.of(dataset)]


def clone(truenas, label, name="px-copy"):
    target = f"tank/.ix-virt/containers/{name}"
    truenas.world.run(truenas.world.storage.clone(f"{WEB}@{label}", target))
    return target


def test_takes_a_checkpoint_once(checkpoint, truenas):
    truenas.world.add_container("px-web")

    result = checkpoint(label="ready")

    assert result["changed"]
    assert (result["label"], result["checkpoints"]) == ("ready", ["ready"])
    assert labels(truenas) == ["ready"]
    assert not checkpoint(label="ready")["changed"]


def test_a_running_pixel_goes_on_running(checkpoint, truenas):
    truenas.world.add_container("px-web")

    checkpoint(label="ready")

    assert "virt.instance.stop" not in truenas.stats.methods_called


def test_one_without_a_label_is_called_after_the_time_in_utc(checkpoint, truenas):
    truenas.world.add_container("px-web")

    result = checkpoint()

    assert re.fullmatch(r"px-\d{8}-\d{6}", result["label"])
    assert labels(truenas) == [result["label"]]


def test_two_in_the_same_second_get_different_labels(checkpoint, truenas, at_noon):
    truenas.world.add_container("px-web")

    assert [checkpoint()["label"] for _each in range(3)] == [
        "px-20260131-120000",
        "px-20260131-120000-2",
        "px-20260131-120000-3",
    ]


def test_one_that_another_user_takes_in_the_same_second_is_no_conflict(checkpoint, truenas, at_noon):
    truenas.world.add_container("px-web")
    service = truenas.world.release.snapshot_service
    truenas.faults.add("fail_call", method=f"{service}.create", errno=17, reason="dataset already exists")

    assert checkpoint()["label"] == "px-20260131-120000-2"


def test_is_taken_on_the_pool_the_pixel_lives_on(checkpoint, truenas):
    truenas.world.add_container("px-web", storage_pool="fast")

    checkpoint(label="ready")

    assert labels(truenas, "fast/.ix-virt/containers/px-web") == ["ready"]


def test_the_place_of_the_datasets_can_be_named(checkpoint, truenas):
    truenas.world.add_container("px-web")
    truenas.world.storage.zfs.add("tank/elsewhere/px-web")

    checkpoint(label="ready", dataset_prefix="tank/elsewhere")

    assert labels(truenas, "tank/elsewhere/px-web") == ["ready"]
    assert labels(truenas) == []


def test_checkpoints_of_the_collection_have_its_property(checkpoint, truenas):
    truenas.world.add_container("px-web")

    checkpoint(label="ready")

    assert truenas.world.snapshots[f"{WEB}@ready"].properties == {
        "org.pixels:made_by": "pixels.truenas",
        "org.pixels:purpose": "checkpoint",
    }


@pytest.mark.parametrize("label", ["a/b", "a@b", "", "-a", "a b", "x" * 300])
def test_a_label_zfs_would_refuse_is_refused_before_anything_is_sent(checkpoint, truenas, label):
    truenas.world.add_container("px-web")

    result = checkpoint(label=label)

    assert result["failed"]
    assert "invalid checkpoint label" in result["msg"]
    assert labels(truenas) == []


def test_keeps_the_newest_of_the_collection_and_all_others(checkpoint, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_snapshot("px-web", "auto-2026-01-01")
    for label in ("one", "two", "three"):
        checkpoint(label=label)

    result = checkpoint(label="four", keep=2)

    assert result["pruned"] == ["one", "two"]
    assert labels(truenas) == result["checkpoints"] == ["auto-2026-01-01", "three", "four"]


def test_an_old_one_stays_that_something_was_cloned_from_or_that_is_held(checkpoint, truenas):
    truenas.world.add_container("px-web")
    for label in ("cloned", "held", "old"):
        checkpoint(label=label)
    clone(truenas, "cloned")
    truenas.world.storage.hold(f"{WEB}@held")

    result = checkpoint(label="new", keep=1)

    assert result["pruned"] == ["old"]
    assert labels(truenas) == ["cloned", "held", "new"]


def test_prunes_although_the_checkpoint_is_there_already(checkpoint, truenas):
    truenas.world.add_container("px-web")
    for label in ("one", "two"):
        checkpoint(label=label)

    assert checkpoint(label="two", keep=1)["pruned"] == ["one"]
    assert not checkpoint(label="two", keep=1)["changed"]


def test_keeping_none_is_refused(checkpoint, truenas):
    truenas.world.add_container("px-web")

    assert "keep must be at least 1" in checkpoint(keep=0)["msg"]


def test_a_pixel_is_stopped_for_it_and_runs_again(checkpoint, truenas):
    truenas.world.add_container("px-web")

    assert checkpoint(label="ready", quiesce="stop")["changed"]

    service = truenas.world.release.snapshot_service
    steps = ("virt.instance.stop", f"{service}.create", "virt.instance.start")
    assert [each for each in truenas.stats.methods_called if each in steps] == list(steps)
    assert truenas.world.containers["px-web"].status == "RUNNING"


@pytest.mark.parametrize("status", ["RUNNING", "STOPPED"])
def test_a_pixel_without_a_status_for_a_moment_is_as_it_was_afterwards(checkpoint, truenas, status):
    web = truenas.world.add_container("px-web", status=status)
    truenas.faults.add("shows_status", method="px-web", status="UNKNOWN", times=3)

    assert checkpoint(label="ready", quiesce="stop")["changed"]

    assert web.status == status
    assert truenas.stats.calls["virt.instance.stop"] == (status == "RUNNING")


def test_a_pixel_that_takes_long_to_stop_runs_again(checkpoint, truenas):
    web = truenas.world.add_container("px-web")
    truenas.faults.add("stop_times_out", method="virt.instance.stop", late=0.3)

    assert checkpoint(label="ready", quiesce="stop")["changed"]

    assert (web.status, web.starts) == ("RUNNING", 1)


def test_a_stopped_pixel_stays_stopped(checkpoint, truenas):
    truenas.world.add_container("px-web", status="STOPPED")

    checkpoint(label="ready", quiesce="stop")

    assert truenas.world.containers["px-web"].status == "STOPPED"


def test_a_pixel_is_not_stopped_for_what_is_there_already(checkpoint, truenas):
    truenas.world.add_container("px-web")
    checkpoint(label="ready")

    checkpoint(label="ready", quiesce="stop")

    assert "virt.instance.stop" not in truenas.stats.methods_called


def test_when_it_cannot_be_taken_the_pixel_runs_again(checkpoint, truenas):
    truenas.world.add_container("px-web")
    service = truenas.world.release.snapshot_service
    truenas.faults.add("fail_call", method=f"{service}.create", errno=28, reason="out of space")

    result = checkpoint(label="ready", quiesce="stop")

    assert result["failed"]
    assert "out of space" in result["msg"]
    assert "web is now running" in result["msg"]
    assert truenas.world.containers["px-web"].status == "RUNNING"
    assert labels(truenas) == []


def test_a_label_that_incus_would_take_for_a_snapshot_of_its_own_is_refused(checkpoint, truenas):
    truenas.world.add_container("px-web")

    result = checkpoint(label="snapshot-today")

    assert "begin with snapshot- as its own" in result["msg"]
    assert labels(truenas) == []


def test_a_snapshot_of_incus_itself_is_no_checkpoint_to_take_again(checkpoint, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_snapshot("px-web", "snapshot-mine")

    assert not checkpoint(label="snapshot-mine")["changed"]


def test_deletes_a_checkpoint_once(checkpoint, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_snapshot("px-web", "ready")

    result = checkpoint(label="ready", state="absent")

    assert result["changed"]
    assert labels(truenas) == []
    assert not checkpoint(label="ready", state="absent")["changed"]


def test_one_that_something_was_cloned_from_is_not_deleted_and_the_clone_is_named(checkpoint, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_snapshot("px-web", "ready")
    clone(truenas, "ready")

    result = checkpoint(label="ready", state="absent")

    assert result["failed"]
    assert "cloned from it: copy" in result["msg"]
    assert labels(truenas) == ["ready"]


def test_one_that_is_held_is_not_deleted_and_the_hold_is_named(checkpoint, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_snapshot("px-web", "ready")
    truenas.world.storage.hold(f"{WEB}@ready")

    result = checkpoint(label="ready", state="absent")

    assert "held (truenas)" in result["msg"]
    assert labels(truenas) == ["ready"]


def test_of_a_pixel_that_is_not_there_none_can_be_taken_and_none_is_left_to_delete(checkpoint, truenas):
    assert "there is no pixel named web" in checkpoint(label="ready")["msg"]
    assert not checkpoint(label="ready", state="absent")["changed"]


def test_an_account_without_the_right_is_reported_which_role_it_lacks(checkpoint, truenas, nas):
    truenas.world.add_container("px-web")
    nas.update(username="reader", api_key=truenas.add_account("reader", roles=["READONLY_ADMIN"]))

    result = checkpoint(label="ready")

    assert result["error"]["kind"] == "NotPermitted"
    assert "the role SNAPSHOT_WRITE" in result["msg"]


@pytest.mark.parametrize("fault", ["drop_before_call", "drop_before_reply", "drop_after_reply"])
@pytest.mark.parametrize("action", ["create", "delete"])
def test_a_connection_that_breaks_leaves_what_the_next_run_completes(checkpoint, truenas, fault, action):
    truenas.world.add_container("px-web")
    truenas.world.add_snapshot("px-web", "old")
    method = f"{truenas.world.release.snapshot_service}.{action}"
    wanted = {"label": "new"} if action == "create" else {"label": "old", "state": "absent"}
    truenas.faults.add(fault, method=method)

    checkpoint(**wanted)
    result = checkpoint(**wanted)

    assert "failed" not in result
    assert labels(truenas) == (["old", "new"] if action == "create" else [])


CASES = [
    case
    for case in itertools.product(
        ["RUNNING", "STOPPED", None],
        [(), ("one",), ("one", "two")],
        [False, True],
        [{"label": "one"}, {"label": "new", "keep": 1}, {"quiesce": "stop"}, {"label": "one", "state": "absent"}],
    )
    if case[1] or not case[2]
    if case[0] or not case[1]
]


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.parametrize(("status", "there", "cloned", "wanted"), CASES)
def test_check_mode_predicts_each(checkpoint, truenas, at_noon, status, there, cloned, wanted):
    if status:
        truenas.world.add_container("px-web", status=status)
        for label in there:
            checkpoint(label=label)
        if cloned and there:
            clone(truenas, there[0])
    before = truenas.world.as_json()

    predicted = checkpoint(check_mode=True, **wanted)

    assert truenas.world.as_json() == before
    done = checkpoint(**wanted)
    assert done == predicted
    if "failed" in done:
        assert truenas.world.as_json() == before
    elif "label" in wanted:
        assert not checkpoint(**wanted)["changed"]
