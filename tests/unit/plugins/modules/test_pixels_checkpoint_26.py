# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of checkpoints on TrueNAS 26."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.modules import (
    pixels_checkpoint,
    pixels_checkpoint_info,
    pixels_checkpoint_restore,
    pixels_container,
)
from tests.unit.plugins.conftest import BETA, put, read, strike

FOLDER = "tank/.truenas_containers/containers"
WEB = f"{FOLDER}/px-web"
STATE = "/root/state"


@pytest.fixture
def release():
    return BETA


@pytest.fixture
def checkpoint(run):
    return lambda **params: run(pixels_checkpoint, name="web", **params)


@pytest.fixture
def restore(run):
    return lambda label, **params: run(pixels_checkpoint_restore, name="web", label=label, wait_timeout=20, **params)


@pytest.fixture
def listed(run):
    return lambda: run(pixels_checkpoint_info, name="web")["checkpoints"]


@pytest.fixture
def web(truenas):
    made = truenas.world.add_container("px-web")
    put(truenas, STATE, "before")
    return made


def labels(truenas):
    return [each.label for each in truenas.world.storage.zfs.of(WEB)]


def test_one_is_taken_once_and_as_check_mode_says(checkpoint, truenas, web):
    predicted = checkpoint(label="ready", check_mode=True)

    done = checkpoint(label="ready")
    assert (done["changed"], done["diff"]) == (predicted["changed"], predicted["diff"])
    assert not checkpoint(label="ready")["changed"]
    assert labels(truenas) == ["ready"]


def test_all_that_is_known_is_reported(checkpoint, listed, truenas, web):
    truenas.world.add_snapshot("px-web", "auto")
    checkpoint(label="ready")
    truenas.world.storage.hold(f"{WEB}@ready")

    [other, ours] = listed()

    assert (other["label"], other["purpose"]) == ("auto", None)
    assert (ours["label"], ours["purpose"], ours["snapshot"]) == ("ready", "checkpoint", f"{WEB}@ready")
    assert ours["holds"] == ["truenas"]
    assert ours["order"] == 2


def test_those_of_the_collection_are_limited_and_others_stay(checkpoint, truenas, web):
    truenas.world.add_snapshot("px-web", "auto")
    for label in ("one", "two", "three"):
        checkpoint(label=label)

    checkpoint(label="four", keep=2)

    assert labels(truenas) == ["auto", "three", "four"]


def test_one_that_is_held_or_cloned_is_not_deleted(checkpoint, truenas, web):
    for label in ("held", "cloned"):
        truenas.world.add_snapshot("px-web", label)
    truenas.world.storage.hold(f"{WEB}@held")
    truenas.run(truenas.world.storage.clone(f"{WEB}@cloned", "tank/copy"))

    assert "it is held" in checkpoint(label="held", state="absent")["msg"]
    assert "tank/copy" in checkpoint(label="cloned", state="absent")["msg"]
    assert labels(truenas) == ["held", "cloned"]


def test_a_running_pixel_goes_back_and_runs_again(restore, checkpoint, truenas, web):
    checkpoint(label="ready")
    put(truenas, STATE, "after")

    result = restore("ready")

    assert result["changed"]
    assert read(truenas, STATE) == "before"
    assert web.status == "RUNNING"


def test_what_is_newer_is_given_up_only_on_request(restore, checkpoint, truenas, web):
    for label in ("ready", "later"):
        checkpoint(label=label)

    refused = restore("ready")

    assert "destroys the newer checkpoints later" in refused["msg"]
    assert "safety: true" not in refused["msg"]
    assert web.status == "RUNNING"
    assert restore("ready", discard_newer=True)["changed"]
    assert labels(truenas) == ["ready"]


def test_the_state_before_cannot_be_kept_and_that_is_reported_before_anything_is_stopped(
    restore, checkpoint, truenas, web
):
    checkpoint(label="ready")

    for check_mode in (True, False):
        result = restore("ready", safety=True, check_mode=check_mode)

        assert result["error"]["kind"] == "Unsupported"
        assert "was not restored to ready" in result["msg"]
        assert "discard_newer: true" in result["msg"]
    assert (web.status, web.starts) == ("RUNNING", 0)


@pytest.mark.parametrize("fault", ["fail", "drop_before_call", "drop_after_reply"])
def test_a_step_that_fails_leaves_the_old_state_or_the_new_one_and_the_next_run_converges(
    restore, checkpoint, truenas, web, fault
):
    checkpoint(label="ready")
    put(truenas, STATE, "after")
    strike(truenas, fault, "zfs.resource.snapshot.rollback")

    first = restore("ready")

    assert web.status == "RUNNING"
    assert first.get("failed") or read(truenas, STATE) == "before"
    assert restore("ready")["changed"]
    assert (read(truenas, STATE), web.status) == ("before", "RUNNING")


def test_a_clone_of_a_newer_one_is_a_conflict_before_anything_is_stopped(restore, truenas, web):
    for label in ("ready", "cloned"):
        truenas.world.add_snapshot("px-web", label)
    truenas.run(truenas.world.storage.clone(f"{WEB}@cloned", "tank/copy"))

    result = restore("ready", discard_newer=True)

    assert "tank/copy" in result["msg"]
    assert "safety: true" not in result["msg"]
    assert (labels(truenas), web.starts, web.status) == (["ready", "cloned"], 0, "RUNNING")


@pytest.mark.parametrize("clones", ["refuse", "promote", "leave"])
def test_a_pixel_that_something_was_cloned_from_stays_as_it_is(run, truenas, web, clones):
    truenas.world.add_snapshot("px-web", "ready")
    truenas.run(truenas.world.storage.clone(f"{WEB}@ready", "tank/copy"))

    for check_mode in (True, False):
        result = run(pixels_container, name="web", state="absent", clones=clones, check_mode=check_mode)

        assert result["error"]["kind"] == ("Refused" if clones == "refuse" else "Unsupported")
        assert "tank/copy (from ready)" in result["msg"]
        # Neither option can help on TrueNAS 26.
        assert "clones: promote" not in result["msg"]
    assert (labels(truenas), web.status) == (["ready"], "RUNNING")


def test_they_go_with_the_pixel(checkpoint, run, truenas, web):
    for label in ("ready", "later"):
        checkpoint(label=label)

    assert run(pixels_container, name="web", state="absent")["changed"]

    assert truenas.world.containers == {}
    assert labels(truenas) == []
    assert not truenas.world.storage.zfs.exists(WEB)


def test_a_pixel_with_one_that_is_held_is_not_destroyed(checkpoint, run, truenas, web):
    checkpoint(label="ready")
    truenas.world.storage.hold(f"{WEB}@ready")

    result = run(pixels_container, name="web", state="absent")

    assert "held" in result["msg"]
    assert (labels(truenas), web.status) == (["ready"], "RUNNING")


@pytest.mark.parametrize("check_mode", [True, False])
def test_one_from_before_the_upgrade_is_not_restored(restore, truenas, web, check_mode):
    taken = truenas.world.add_snapshot("px-web", "of-incus")
    put(truenas, STATE, "after")
    # The upgrade creates the directory, and moves the dataset there with its snapshots.
    truenas.world.storage.zfs.datasets[FOLDER].txg = taken.txg + 1

    result = restore("of-incus", check_mode=check_mode)

    assert "web on 127.0.0.1" in result["msg"]
    assert "was not restored to of-incus, and nothing was changed: it was taken before the upgrade" in result["msg"]
    assert (read(truenas, STATE), web.status) == ("after", "RUNNING")


def test_an_account_that_may_not_see_the_time_of_the_upgrade_restores_without_that_check(restore, truenas, web, nas):
    truenas.world.add_snapshot("px-web", "ready")
    put(truenas, STATE, "after")
    roles = ["CONTAINER_WRITE", "SNAPSHOT_WRITE", "SNAPSHOT_READ", "LXC_CONFIG_READ"]
    nas.update(username="limited", api_key=truenas.add_account("limited", roles=roles))

    assert "failed" not in restore("ready", wait="running")

    assert read(truenas, STATE) == "before"


# the release candidate


@pytest.fixture
def protected(truenas):
    """A running pixel with a snapshot that was taken of the whole pool."""
    made = truenas.world.add_container("px-web")
    truenas.world.add_snapshot("px-web", "auto")
    return made


@pytest.mark.parametrize("release", ["26"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_candidate_protects_them_which_is_reported_before_anything_is_stopped(
    checkpoint, restore, truenas, protected, check_mode
):
    attempts = [
        checkpoint(label="ready", quiesce="stop", check_mode=check_mode),
        checkpoint(label="auto", state="absent", check_mode=check_mode),
        restore("auto", check_mode=check_mode),
    ]

    for result in attempts:
        assert result["error"]["kind"] == "Unsupported"
        assert "protects their datasets from snapshots" in result["msg"]
    assert (labels(truenas), protected.status, protected.starts) == (["auto"], "RUNNING", 0)


@pytest.mark.parametrize("release", ["26"])
def test_a_candidate_lists_them_and_destroys_them_with_the_pixel(listed, run, truenas, protected):
    assert [each["label"] for each in listed()] == ["auto"]

    assert run(pixels_container, name="web", state="absent")["changed"]

    assert (labels(truenas), truenas.world.containers) == ([], {})
