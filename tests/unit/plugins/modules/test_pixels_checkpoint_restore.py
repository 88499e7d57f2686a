# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of putting a pixel back to a checkpoint, and of all that can go wrong on the way."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import checkpoints
from ansible_collections.pixels.truenas.plugins.modules import (
    pixels_checkpoint,
    pixels_checkpoint_info,
    pixels_checkpoint_restore,
    pixels_container,
)
from tests.unit.plugins.conftest import INCUS, put, read, strike

WEB = "tank/.ix-virt/containers/px-web"
STATE = "/root/state"
NOON = "20260131-120000"


@pytest.fixture
def restore(run):
    """The module, with the times a test can wait for."""

    def run_module(name="web", label="ready", **params):
        return run(pixels_checkpoint_restore, **{"name": name, "label": label, "wait_timeout": 20, **params})

    return run_module


@pytest.fixture
def at_noon(monkeypatch):
    """The clock stands still, so that names made from the time can be compared."""
    monkeypatch.setattr(checkpoints, "label_now", lambda prefix="px", now=None: f"{prefix}-{NOON}")


@pytest.fixture
def save(truenas):
    """Take a checkpoint of a state that is called like it."""

    def take(*labels):
        for label in labels:
            put(truenas, STATE, label)
            truenas.world.add_snapshot("px-web", label)

    return take


@pytest.fixture
def web(truenas, save):
    """A running pixel with a checkpoint C(ready) and something newer in its files."""
    made = truenas.world.add_container("px-web")
    save("ready")
    put(truenas, STATE, "now")
    return made


def labels(truenas, dataset=WEB):
    return [each.label for each in truenas.world.storage.zfs.of(dataset)]


def clone(truenas, label):
    truenas.world.run(truenas.world.storage.clone(f"{WEB}@{label}", "tank/.ix-virt/containers/px-copy"))


def test_puts_the_files_back_while_the_pixel_does_not_run(restore, truenas, web):
    result = restore()

    service = truenas.world.release.snapshot_service
    steps = ("virt.instance.stop", f"{service}.rollback", "virt.instance.start")
    assert [each for each in truenas.stats.methods_called if each in steps] == list(steps)
    assert result["changed"]
    assert (result["restored_to"], result["safety"], result["discarded"]) == ("ready", None, [])
    assert result["container"]["ipv4"]
    assert read(truenas, STATE) == "ready"


def test_a_stopped_pixel_stays_stopped(restore, truenas, web):
    web.status = "STOPPED"

    restore()

    assert web.status == "STOPPED"
    assert read(truenas, STATE) == "ready"


@pytest.mark.parametrize("status", ["RUNNING", "STOPPED"])
@pytest.mark.parametrize(("started", "then"), [(True, "RUNNING"), (False, "STOPPED")])
def test_runs_afterwards_as_asked(restore, truenas, web, status, started, then):
    web.status = status

    assert restore(started=started)["diff"]["after"]["status"] == then.lower()

    assert web.status == then


def test_newer_checkpoints_are_refused_by_name_before_anything_is_stopped(restore, truenas, web, save):
    save("later", "latest")
    put(truenas, STATE, "now")

    result = restore()

    assert result["failed"]
    assert "the newer checkpoints later, latest" in result["msg"]
    assert "discard_newer: true" in result["msg"]
    assert "virt.instance.stop" not in truenas.stats.methods_called
    assert read(truenas, STATE) == "now"


def test_newer_checkpoints_go_when_they_may(restore, truenas, web, save):
    save("later", "latest")

    result = restore(discard_newer=True)

    assert result["discarded"] == ["later", "latest"]
    assert labels(truenas) == ["ready"]


def while_it_stops(truenas, label):
    """Somebody else takes a checkpoint at that moment."""
    engine = truenas.world.engine
    stop = engine.stop

    async def stop_slowly(name, **how):
        engine.stop = stop
        await truenas.world.storage.take(WEB, label)
        await stop(name, **how)

    engine.stop = stop_slowly


@pytest.mark.parametrize("wanted", [{}, {"discard_newer": True}])
def test_a_checkpoint_nobody_was_told_of_is_not_destroyed(restore, truenas, web, save, wanted):
    if wanted:
        save("later")
    while_it_stops(truenas, "precious")

    result = restore(**wanted)

    assert "precious" in result["msg"]
    assert "web is running, as it was before" in result["msg"]
    assert read(truenas, STATE) == ("later" if wanted else "now")
    assert labels(truenas)[-1] == "precious"
    assert "failed" not in restore(discard_newer=True)
    assert labels(truenas) == ["ready"]


def test_a_checkpoint_that_is_taken_meanwhile_is_set_aside_with_the_rest(restore, truenas, web):
    while_it_stops(truenas, "precious")

    kept = restore(safety=True)["safety"]

    aside = f"tank/.ix-virt/deleted/containers/px-web.{kept}"
    assert labels(truenas, aside) == ["precious", kept]


def test_older_checkpoints_are_in_nobodys_way(restore, truenas, web, save):
    save("later")

    assert restore(label="later")["changed"]
    assert labels(truenas) == ["ready", "later"]


@pytest.mark.parametrize("discard", [False, True])
def test_a_clone_of_a_newer_checkpoint_is_never_destroyed(restore, truenas, web, save, discard):
    save("later")
    clone(truenas, "later")

    result = restore(discard_newer=discard)

    assert "later: these were cloned from it: copy" in result["msg"]
    assert "virt.instance.stop" not in truenas.stats.methods_called
    assert labels(truenas) == ["ready", "later"]


def test_a_held_newer_checkpoint_is_told_before_anything_is_stopped(restore, truenas, web, save):
    save("later")
    truenas.world.storage.hold(f"{WEB}@later")

    assert "it is held" in restore(discard_newer=True)["msg"]
    assert web.status == "RUNNING"


def test_a_clone_of_the_checkpoint_itself_is_in_nobodys_way(restore, truenas, web):
    clone(truenas, "ready")

    assert restore()["changed"]


def test_a_checkpoint_that_is_not_there_is_answered_with_those_that_are(restore, truenas, web):
    assert "has no checkpoint raedy; it has ready" in restore(label="raedy")["msg"]
    assert web.status == "RUNNING"


def test_a_pixel_that_is_not_there_is_an_error(restore, truenas):
    assert "there is no pixel named web" in restore()["msg"]


def test_who_may_not_roll_back_is_told_which_role_it_takes(restore, truenas, web, nas):
    roles = ["VIRT_GLOBAL_READ", "VIRT_INSTANCE_WRITE", "SNAPSHOT_READ"]
    nas.update(username="limited", api_key=truenas.add_account("limited", roles=roles))

    result = restore()

    role = "FULL_ADMIN" if truenas.world.release.name == "25.04" else "SNAPSHOT_WRITE or POOL_WRITE"
    assert f"the role {role}" in result["msg"]
    assert web.status == "RUNNING"
    assert read(truenas, STATE) == "now"


@pytest.mark.parametrize("check_mode", [False, True])
def test_who_may_not_change_places_is_told_before_anything_is_done(restore, truenas, web, nas, check_mode):
    roles = ["VIRT_GLOBAL_READ", "VIRT_INSTANCE_WRITE", "SNAPSHOT_READ", "SNAPSHOT_WRITE", "SNAPSHOT_DELETE"]
    nas.update(username="limited", api_key=truenas.add_account("limited", roles=roles))
    before = truenas.world.as_json()

    result = restore(safety=True, check_mode=check_mode)

    assert "nothing was done" in result["msg"]
    assert "the role FULL_ADMIN" in result["msg"]
    assert truenas.world.as_json() == before
    assert "virt.instance.stop" not in truenas.stats.methods_called


# the present state is kept


def test_the_present_state_can_be_kept_and_gone_back_to(restore, run, truenas, web, save, at_noon):
    save("later")
    put(truenas, STATE, "now")

    result = restore(safety=True)

    assert result["safety"] == f"px-safety-{NOON}"
    assert read(truenas, STATE) == "ready"
    listed = run(pixels_checkpoint_info, name="web")["checkpoints"]
    assert [(each["label"], each["set_aside"]) for each in listed] == [
        ("ready", False),
        ("later", True),
        (f"px-safety-{NOON}", True),
    ]
    assert "failed" not in restore(label=f"px-safety-{NOON}")
    assert read(truenas, STATE) == "now"
    assert f"the newer checkpoints px-safety-{NOON}" in restore(label="later")["msg"]
    assert "failed" not in restore(label="later", safety=True)
    assert read(truenas, STATE) == "later"
    assert "failed" not in restore(label="ready", safety=True)
    assert read(truenas, STATE) == "ready"


def test_what_was_kept_goes_with_the_last_of_its_checkpoints(restore, run, truenas, web, save, at_noon):
    datasets = set(truenas.world.storage.zfs.datasets)
    restore(safety=True)

    refused = run(pixels_checkpoint, name="web", label="ready", state="absent")
    run(pixels_checkpoint, name="web", label=f"px-safety-{NOON}", state="absent")

    assert f"with the checkpoints px-safety-{NOON}: delete those first" in refused["msg"]
    assert set(truenas.world.storage.zfs.datasets) == datasets
    assert read(truenas, STATE) == "ready"


def test_who_may_not_delete_what_was_kept_is_told_before_its_last_checkpoint_goes(
    restore, run, truenas, web, nas, at_noon
):
    restore(safety=True)
    roles = ["VIRT_GLOBAL_READ", "VIRT_INSTANCE_READ", "SNAPSHOT_READ", "SNAPSHOT_DELETE"]
    nas.update(username="limited", api_key=truenas.add_account("limited", roles=roles))
    before = truenas.world.as_json()["snapshots"]

    result = run(pixels_checkpoint, name="web", label=f"px-safety-{NOON}", state="absent")

    assert "the role FULL_ADMIN" in result["msg"]
    assert truenas.world.as_json()["snapshots"] == before


@pytest.fixture
def emptied(restore, truenas, web, save, at_noon):
    """What was kept has lost its last checkpoint, and is still there."""
    save("later")
    restore(label="later", safety=True)
    aside = f"tank/.ix-virt/deleted/containers/px-web.px-safety-{NOON}"
    truenas.world.run(truenas.world.storage.drop(f"{aside}@px-safety-{NOON}"))
    return aside


def test_what_has_no_checkpoints_any_more_is_in_nobodys_way(restore, run, truenas, emptied):
    assert restore(label="ready", discard_newer=True)["discarded"] == ["later"]

    assert labels(truenas) == ["ready"]
    assert emptied not in truenas.world.storage.zfs.datasets


def test_what_has_no_checkpoints_any_more_goes_with_the_one_it_depends_on(run, truenas, emptied):
    assert "failed" not in run(pixels_checkpoint, name="web", label="later", state="absent")

    assert labels(truenas) == ["ready"]
    assert emptied not in truenas.world.storage.zfs.datasets


def test_what_was_kept_goes_with_the_pixel(restore, run, truenas, web, at_noon):
    restore(safety=True)

    assert "failed" not in run(pixels_container, name="web", state="absent")

    assert not any("px-web" in name for name in truenas.world.storage.zfs.datasets)


def test_a_state_that_was_kept_is_in_the_way_of_rolling_back_further(restore, truenas, web, save, at_noon):
    save("later")
    restore(label="later", safety=True)

    result = restore(label="ready", discard_newer=True)

    assert "safety: true" in result["msg"]
    assert read(truenas, STATE) == "later"


# what goes wrong

ROLLBACK = ["virt.instance.stop", "{snapshot}.rollback", "virt.instance.start"]
BRANCH = [
    "virt.instance.stop",
    "{snapshot}.create",
    "zfs.dataset.rename",
    "{snapshot}.clone",
    "pool.dataset.promote",
    "virt.instance.start",
]
FAULTS = ["fail", "drop_before_call", "drop_before_reply", "drop_after_reply"]
# The release, whether with safety, and how many calls there are before: it is away as the files change places.
GONE = [("25.10", True, 17), ("25.04", True, 18), ("25.10", True, 20), ("25.04", False, 15)]


# Each step meets each fault, on one release or the other; what looks around is struck in the midst of it.
STRUCK = [
    (INCUS[(number + number // len(FAULTS)) % 2], *case)
    for number, case in enumerate(
        [
            *itertools.product(ROLLBACK, [False], FAULTS, [0]),
            *itertools.product(BRANCH, [True], FAULTS, [0]),
            *itertools.product(["{snapshot}.query", "zfs.dataset.query"], [False, True], ["fail"], [1, 2, 3]),
        ]
    )
]


@pytest.mark.parametrize(("release", "method", "safety", "fault", "after"), STRUCK)
def test_a_step_that_fails_leaves_the_old_state_or_the_new_one_and_the_next_run_converges(
    restore, run, truenas, web, method, safety, fault, after
):
    method = method.format(snapshot=truenas.world.release.snapshot_service)
    strike(truenas, fault, method, after)

    first = restore(safety=safety)

    if method.endswith(".query"):
        # Whether it is asked so often is no matter of this test.
        truenas.faults.clear()
    assert truenas.faults.waiting == []
    assert web.status == "RUNNING"
    state = read(truenas, STATE)
    assert state in ("now", "ready")
    if "failed" not in first:
        assert state == "ready"
    elif "virt.instance.stop" in truenas.stats.methods_called:
        assert "web is running, as it was before" in first["msg"]
        assert ("its files are as they were" not in first["msg"]) or state == "now"
    assert "ready" in labels(truenas)
    assert "failed" not in restore(safety=safety, discard_newer=not safety)
    assert read(truenas, STATE) == "ready"
    assert web.status == "RUNNING"
    asides = [name for name in truenas.world.storage.zfs.datasets if "/deleted/containers/px-web." in name]
    listed = run(pixels_checkpoint_info, name="web")["checkpoints"]
    assert len({each["snapshot"].partition("@")[0] for each in listed}) == 1 + len(asides)


@pytest.mark.parametrize(("release", "safety", "after"), GONE)
def test_a_nas_that_stays_away_loses_nothing_and_the_next_run_converges(restore, truenas, web, safety, after):
    truenas.faults.go_away(after=after)

    first = restore(safety=safety, connect_timeout=1, call_timeout=1)

    truenas.faults.clear()
    assert "failed" in first
    if "could not be started again" in first["msg"]:
        assert "started: true" in first["msg"]
    assert "failed" not in restore(safety=safety, started=True, discard_newer=not safety)
    assert read(truenas, STATE) == "ready"
    assert web.status == "RUNNING"


def test_one_that_cannot_be_started_again_is_told_so(restore, truenas, web):
    truenas.faults.add("fail_job", method="virt.instance.start", errno=14, text="no room", times=2)

    result = restore()

    assert "its files are those of ready, but it was not started" in result["msg"]
    assert "could not be started again" in result["msg"]
    assert "failed" not in restore(started=True)
    assert web.status == "RUNNING"


@pytest.mark.parametrize("cloned", [False, True])
def test_what_a_controller_that_died_left_half_done_is_mended_by_the_next_run(restore, truenas, web, cloned):
    web.status = "STOPPED"
    truenas.world.add_snapshot("px-web", f"px-safety-{NOON}")
    aside = f"tank/.ix-virt/deleted/containers/px-web.px-safety-{NOON}"
    truenas.world.run(truenas.world.storage.move(WEB, aside))
    if cloned:
        truenas.world.run(truenas.world.storage.clone(f"{aside}@ready", WEB))

    result = restore(started=True, discard_newer=True)

    assert "failed" not in result
    assert read(truenas, STATE) == "ready"
    assert labels(truenas) == ["ready"]


def test_one_that_will_not_stop_goes_on_as_it_was(restore, truenas, web):
    truenas.faults.add("stop_times_out", method="virt.instance.stop")

    result = restore(stop_timeout=1)

    assert "force: true" in result["msg"]
    assert web.status == "RUNNING"
    assert read(truenas, STATE) == "now"
    assert "failed" not in restore(force=True)


CASES = [
    case
    for case in itertools.product(
        ["RUNNING", "STOPPED", None],
        [(), ("ready",), ("older", "ready"), ("ready", "newer")],
        [None, "ready", "newer"],
        [{}, {"discard_newer": True}, {"safety": True}],
    )
    if case[2] in (None, *case[1]) and (case[0] or not case[1])
]


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.parametrize(("status", "there", "cloned", "wanted"), CASES)
def test_check_mode_predicts_each(restore, truenas, save, at_noon, status, there, cloned, wanted):
    if status:
        made = truenas.world.add_container("px-web")
        save(*there)
        put(truenas, STATE, "now")
        made.status = status
        if cloned in there:
            clone(truenas, cloned)
    before = truenas.world.as_json()

    predicted = restore(check_mode=True, wait="running", **wanted)

    assert truenas.world.as_json() == before
    done = restore(wait="running", **wanted)
    assert {**done, "container": None} == {**predicted, "container": None}
    if "failed" in done:
        assert truenas.world.as_json() == before
    else:
        assert read(truenas, STATE) == "ready"
