# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the next operation completes a restore that was interrupted, by Ctrl-C or on the controller."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.modules import (
    pixels_checkpoint,
    pixels_checkpoint_info,
    pixels_checkpoint_restore,
    pixels_container,
)
from tests.sweeps.nas import DELAY_S, SHORT_CALL_TIMEOUT_S, Nas
from tests.unit.plugins.conftest import put, read

WEB = "tank/.ix-virt/containers/px-web"
BASE = "tank/.ix-virt/containers/px-base"
ASIDE = "tank/.ix-virt/deleted/containers/px-web.px-safety-noon"
STATE = "/root/state"


@pytest.fixture
def release():
    """Test one release, because the calls are the same on both, and the tests of the module cover faults on both."""
    return "25.10"


@pytest.fixture
def restore(run):
    def run_module(name="web", label="ready", **params):
        return run(pixels_checkpoint_restore, **{"name": name, "label": label, "wait_timeout": 20, **params})

    return run_module


@pytest.fixture
def container(run):
    def run_module(name="web", **params):
        return run(pixels_container, **{"name": name, "wait_timeout": 20, "delete_delay": 0, **params})

    return run_module


def labels(truenas, dataset=WEB):
    return [each.label for each in truenas.world.storage.zfs.of(dataset)]


def datasets(truenas):
    """Return all datasets with their origins, and the checkpoints."""
    return {name: truenas.world.as_json()[name] for name in ("datasets", "snapshots")}


def shown(run):
    return [each["label"] for each in run(pixels_checkpoint_info, name="web")["checkpoints"]]


@pytest.fixture(params=["nothing at home", "a clone at home"])
def web(request, truenas):
    """Return a pixel that was stopped for a restore to `ready` that was then interrupted."""
    made = truenas.world.add_container("px-web", status="STOPPED")
    for label, text in {"ready": "ready", "px-safety-noon": "now"}.items():
        put(truenas, STATE, text)
        truenas.world.add_snapshot("px-web", label)
    truenas.world.run(truenas.world.storage.move(WEB, ASIDE))
    if request.param == "a clone at home":
        truenas.world.run(truenas.world.storage.clone(f"{ASIDE}@ready", WEB))
    return made


def test_its_checkpoints_are_all_shown_and_listing_changes_nothing(run, truenas, web):
    before = truenas.world.as_json()

    assert shown(run) == ["ready", "px-safety-noon"]
    assert truenas.world.as_json() == before


@pytest.mark.parametrize(("label", "state"), [("ready", "ready"), ("px-safety-noon", "now")])
def test_each_state_can_be_restored(restore, truenas, web, label, state):
    predicted = restore(label=label, safety=True, check_mode=True)
    done = restore(label=label, safety=True)

    assert "failed" not in predicted
    assert "failed" not in done
    assert read(truenas, STATE) == state
    assert {"ready", "px-safety-noon"} <= set(done["diff"]["after"]["checkpoints"])


def test_a_label_that_is_not_there_is_answered_with_those_that_are(restore, truenas, web):
    before = truenas.world.as_json()

    assert "it has ready, px-safety-noon" in restore(label="raedy")["msg"]
    assert truenas.world.as_json() == before


def test_it_can_be_started_and_saved_without_losing_any(container, run, truenas, web):
    assert "failed" not in container(state="started")
    assert "failed" not in run(pixels_checkpoint, name="web", label="nightly")

    assert web.status == "RUNNING"
    assert set(shown(run)) == {"ready", "px-safety-noon", "nightly"}
    assert {*labels(truenas), *labels(truenas, ASIDE)} == {"ready", "px-safety-noon", "nightly"}


def test_a_checkpoint_can_be_deleted(run, truenas, web):
    assert "failed" not in run(pixels_checkpoint, name="web", label="px-safety-noon", state="absent")

    assert shown(run) == ["ready"]


@pytest.mark.parametrize("source", ["web", "web@ready", "web@px-safety-noon"])
def test_it_can_be_cloned(container, truenas, web, source):
    assert "failed" not in container("copy", **{"from": source})

    assert read(truenas, STATE, name="px-copy") in ("now", "ready")


def test_it_goes_with_all_that_was_set_aside(container, truenas, web):
    assert container(state="absent")["changed"]

    assert not any("px-web" in name for name in truenas.world.storage.zfs.datasets)


def test_clones_of_what_was_set_aside_prevent_its_deletion(container, truenas, web):
    truenas.world.run(truenas.world.storage.clone(f"{ASIDE}@px-safety-noon", "tank/.ix-virt/containers/px-copy"))

    assert "copy (from px-safety-noon)" in container(state="absent")["msg"]


def test_an_account_that_may_not_rename_datasets_is_not_affected(run, truenas, nas, web):
    roles = ["VIRT_GLOBAL_READ", "VIRT_INSTANCE_READ", "SNAPSHOT_READ"]
    nas.update(username="reader", api_key=truenas.add_account("reader", roles=roles))

    assert "failed" not in run(pixels_checkpoint_info, name="web")


# remains of an earlier pixel of the same name


@pytest.fixture
def earlier(truenas, container, restore):
    """Restore `web` with `safety`, clone the kept state, and destroy `web`."""
    truenas.world.add_container("px-web")
    put(truenas, STATE, "one")
    truenas.world.add_snapshot("px-web", "one")
    kept = restore(label="one", safety=True, wait="running")["safety"]
    assert "failed" not in container("copy", **{"from": f"web@{kept}"}, wait="running")
    assert "failed" not in container(state="absent", clones="leave")
    truenas.world.add_container("px-base")
    truenas.world.add_snapshot("px-base", "ready")


@pytest.mark.parametrize("made_from", [{}, {"from": "base@ready"}], ids=["an image", "a clone"])
@pytest.mark.wide
def test_what_an_earlier_pixel_of_that_name_left_changes_nothing(restore, container, run, truenas, earlier, made_from):
    assert "failed" not in container(**made_from, wait="running")
    before = datasets(truenas)

    assert "it has none at all" in restore(label="one")["msg"]
    assert shown(run) == []
    assert datasets(truenas) == before
    assert labels(truenas, BASE) == ["ready"]


@pytest.mark.wide
def test_unneeded_remains_of_an_earlier_pixel_go_with_the_next(container, truenas, earlier):
    container(wait="running")
    truenas.world.storage.zfs.add(ASIDE)
    container(state="absent")

    assert ASIDE not in truenas.world.storage.zfs.datasets
    assert read(truenas, STATE, name="px-copy") == "one"


# pixels that were running before


@pytest.fixture
def ran(truenas):
    """Return a running pixel with a checkpoint `ready` and changed files."""
    made = truenas.world.add_container("px-web")
    put(truenas, STATE, "ready")
    truenas.world.add_snapshot("px-web", "ready")
    put(truenas, STATE, "now")
    return made


@pytest.mark.parametrize("position", range(5), ids=["note", "stop", "rollback", "start", "end of the note"])
def test_it_runs_again_once_a_restore_is_repeated_whose_controller_was_killed(restore, truenas, ran, position):
    first = Nas(truenas).attempt(pixels_checkpoint_restore, {"name": "web", "label": "ready"}, kill_at=position)

    done = restore(wait="running")

    assert first.killed
    assert "failed" not in done
    assert (ran.status, read(truenas, STATE), ran.environment) == ("RUNNING", "ready", {})


def test_a_stopped_one_stays_stopped_when_a_restore_is_repeated(restore, truenas, ran):
    assert "failed" not in restore(started=False)

    assert "failed" not in restore()
    assert (ran.status, ran.environment) == ("STOPPED", {})


def test_nothing_is_promised_while_it_may_still_be_stopped_and_the_next_run_starts_it(restore, truenas, ran):
    truenas.faults.add("delay", method="virt.instance.stop", seconds=DELAY_S)

    first = Nas(truenas).attempt(
        pixels_checkpoint_restore, {"name": "web", "label": "ready"}, call_timeout_s=SHORT_CALL_TIMEOUT_S
    )

    assert "web is now running, which may still change" in first.error
    assert ran.status == "STOPPED"
    assert "failed" not in restore(wait="running")
    assert (ran.status, read(truenas, STATE), ran.environment) == ("RUNNING", "ready", {})


def test_nothing_is_rolled_back_while_the_clone_may_still_be_promoted(restore, run, truenas, ran):
    image = truenas.world.storage.zfs.datasets[WEB].origin.partition("@")[0]
    truenas.faults.add("delay", method="pool.dataset.promote", seconds=DELAY_S)

    first = Nas(truenas).attempt(
        pixels_checkpoint_restore,
        {"name": "web", "label": "ready", "safety": True},
        call_timeout_s=SHORT_CALL_TIMEOUT_S,
    )
    second = restore(safety=True, wait="running")

    assert "but the last step is unfinished" in first.error
    assert "Nothing is lost: the next restore, checkpoint or start of the pixel completes it" in first.error
    assert "failed" not in second
    assert truenas.world.storage.zfs.datasets[image].origin is None
    assert read(truenas, STATE) == "ready"
    assert "ready" in shown(run)


def test_one_that_was_not_stopped_is_not_reported_as_stopped(restore, truenas, nas, ran):
    roles = ["VIRT_GLOBAL_READ", "VIRT_INSTANCE_READ", "SNAPSHOT_READ", "SNAPSHOT_WRITE", "POOL_WRITE"]
    nas.update(username="reader", api_key=truenas.add_account("reader", roles=roles))

    message = restore()["msg"]

    assert "web is now running. " in message
    assert "could not be started again" not in message
    assert (ran.status, ran.environment) == ("RUNNING", {})
