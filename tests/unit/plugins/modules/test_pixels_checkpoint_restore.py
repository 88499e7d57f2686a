# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of restoring a pixel to a checkpoint, with faults at each step."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import TimedOut, UnexpectedReply
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import checkpoints, restorer
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import quiesce
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
    """Run the module with short timeouts."""

    def run_module(name="web", label="ready", **params):
        return run(pixels_checkpoint_restore, **{"name": name, "label": label, "wait_timeout": 20, **params})

    return run_module


@pytest.fixture
def at_noon(monkeypatch):
    """Fix the time in generated labels."""
    monkeypatch.setattr(checkpoints, "timestamp_label", lambda prefix="px", now=None: f"{prefix}-{NOON}")


@pytest.fixture
def save(truenas):
    """Write the label to the files of the pixel, and create a checkpoint with that label."""

    def take(*labels):
        for label in labels:
            put(truenas, STATE, label)
            truenas.world.add_snapshot("px-web", label)

    return take


@pytest.fixture
def web(truenas, save):
    """Return a running pixel with a checkpoint `ready` and newer files."""
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
    """Let another client create a checkpoint at that moment."""
    engine = truenas.world.engine
    stop = engine.stop

    async def stop_slowly(name, **how):
        engine.stop = stop
        await truenas.world.storage.take(WEB, label)
        await stop(name, **how)

    engine.stop = stop_slowly


@pytest.mark.parametrize("wanted", [{}, {"discard_newer": True}])
def test_a_checkpoint_that_was_not_reported_is_not_destroyed(restore, truenas, web, save, wanted):
    if wanted:
        save("later")
    while_it_stops(truenas, "precious")

    result = restore(**wanted)

    assert "precious" in result["msg"]
    assert "web is now running" in result["msg"]
    assert read(truenas, STATE) == ("later" if wanted else "now")
    assert labels(truenas)[-1] == "precious"
    assert "failed" not in restore(discard_newer=True)
    assert labels(truenas) == ["ready"]


def test_a_checkpoint_that_is_taken_meanwhile_is_set_aside_with_the_rest(restore, truenas, web):
    while_it_stops(truenas, "precious")

    kept = restore(safety=True)["safety"]

    aside = f"tank/.ix-virt/deleted/containers/px-web.{kept}"
    assert labels(truenas, aside) == ["precious", kept]


@pytest.fixture
def started_meanwhile(monkeypatch):
    """Let another client start the pixel between its stop and the exchange of its files."""
    stop = quiesce.stop

    def stop_and_start(pixels, container, *args, **kwargs):
        stop(pixels, container, *args, **kwargs)
        pixels.containers.start(container.name, timeout=20)
        monkeypatch.setattr(quiesce, "stop", stop)

    monkeypatch.setattr(quiesce, "stop", stop_and_start)


@pytest.mark.parametrize("safety", [False, True])
@pytest.mark.wide
def test_files_are_not_exchanged_below_a_pixel_that_was_started_meanwhile(
    restore, truenas, web, started_meanwhile, safety
):
    before = truenas.world.as_json()["snapshots"]

    result = restore(safety=safety)

    assert result["failed"]
    assert "was started" in result["msg"]
    assert "web is now running" in result["msg"]
    assert (web.status, read(truenas, STATE)) == ("RUNNING", "now")
    assert truenas.world.as_json()["snapshots"] == before
    assert "failed" not in restore(safety=safety)
    assert read(truenas, STATE) == "ready"


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.parametrize("error", [TimedOut("no reply within 1 s"), UnexpectedReply("unexpected reply of the NAS")])
def test_a_status_that_cannot_be_read_before_files_are_exchanged_leaves_them_and_no_safety_checkpoint(
    restore, truenas, web, monkeypatch, error
):
    before = truenas.world.as_json()["snapshots"]

    def fail(*_args):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(restorer, "reject_running", fail)
        result = restore(safety=True)

    assert "its files are unchanged: " in result["msg"]
    assert "kept as" not in result["msg"]
    assert truenas.world.as_json()["snapshots"] == before


def test_older_checkpoints_are_no_conflict(restore, truenas, web, save):
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


def test_a_held_newer_checkpoint_is_reported_before_anything_is_stopped(restore, truenas, web, save):
    save("later")
    truenas.world.storage.hold(f"{WEB}@later")

    assert "it is held" in restore(discard_newer=True)["msg"]
    assert web.status == "RUNNING"


def test_a_clone_of_the_checkpoint_itself_is_no_conflict(restore, truenas, web):
    clone(truenas, "ready")

    assert restore()["changed"]


def test_a_checkpoint_that_is_not_there_is_answered_with_those_that_are(restore, truenas, web):
    assert "has no checkpoint raedy; it has ready" in restore(label="raedy")["msg"]
    assert web.status == "RUNNING"


def test_a_pixel_that_is_not_there_is_an_error(restore, truenas):
    assert "there is no pixel named web" in restore()["msg"]


def test_an_account_that_may_not_roll_back_is_reported_with_the_required_role(restore, truenas, web, nas):
    roles = ["VIRT_GLOBAL_READ", "VIRT_INSTANCE_WRITE", "SNAPSHOT_READ"]
    nas.update(username="limited", api_key=truenas.add_account("limited", roles=roles))

    result = restore()

    role = "FULL_ADMIN" if truenas.world.release.name == "25.04" else "SNAPSHOT_WRITE or POOL_WRITE"
    assert f"the role {role}" in result["msg"]
    assert web.status == "RUNNING"
    assert read(truenas, STATE) == "now"


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_account_that_may_not_rename_datasets_is_reported_before_anything_is_done(
    restore, truenas, web, nas, check_mode
):
    roles = ["VIRT_GLOBAL_READ", "VIRT_INSTANCE_WRITE", "SNAPSHOT_READ", "SNAPSHOT_WRITE", "SNAPSHOT_DELETE"]
    nas.update(username="limited", api_key=truenas.add_account("limited", roles=roles))
    before = truenas.world.as_json()

    result = restore(safety=True, check_mode=check_mode)

    assert "nothing was changed" in result["msg"]
    assert "the role FULL_ADMIN" in result["msg"]
    assert truenas.world.as_json() == before
    assert "virt.instance.stop" not in truenas.stats.methods_called


# the current state is kept


@pytest.mark.wide
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


@pytest.mark.wide
def test_what_was_kept_goes_with_the_last_of_its_checkpoints(restore, run, truenas, web, save, at_noon):
    datasets = set(truenas.world.storage.zfs.datasets)
    restore(safety=True)

    refused = run(pixels_checkpoint, name="web", label="ready", state="absent")
    run(pixels_checkpoint, name="web", label=f"px-safety-{NOON}", state="absent")

    assert f"with the checkpoints px-safety-{NOON}: delete those first" in refused["msg"]
    assert set(truenas.world.storage.zfs.datasets) == datasets
    assert read(truenas, STATE) == "ready"


def test_an_account_that_may_not_delete_what_was_set_aside_is_reported_before_the_last_checkpoint_goes(
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
    """Leave a dataset that was set aside and has no checkpoint."""
    save("later")
    restore(label="later", safety=True)
    aside = f"tank/.ix-virt/deleted/containers/px-web.px-safety-{NOON}"
    truenas.world.run(truenas.world.storage.drop(f"{aside}@px-safety-{NOON}"))
    return aside


@pytest.mark.wide
def test_what_has_no_checkpoints_any_more_is_no_conflict(restore, run, truenas, emptied):
    assert restore(label="ready", discard_newer=True)["discarded"] == ["later"]

    assert labels(truenas) == ["ready"]
    assert emptied not in truenas.world.storage.zfs.datasets


def test_what_has_no_checkpoints_any_more_goes_with_the_one_it_depends_on(run, truenas, emptied):
    assert "failed" not in run(pixels_checkpoint, name="web", label="later", state="absent")

    assert labels(truenas) == ["ready"]
    assert emptied not in truenas.world.storage.zfs.datasets


@pytest.mark.wide
def test_what_was_kept_goes_with_the_pixel(restore, run, truenas, web, at_noon):
    restore(safety=True)

    assert "failed" not in run(pixels_container, name="web", state="absent")

    assert not any("px-web" in name for name in truenas.world.storage.zfs.datasets)


def test_a_state_that_was_set_aside_prevents_rolling_back_further(restore, truenas, web, save, at_noon):
    save("later")
    restore(label="later", safety=True)

    result = restore(label="ready", discard_newer=True)

    assert "safety: true" in result["msg"]
    assert read(truenas, STATE) == "later"


# faults

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
# The release, the value of safety, and the number of calls before the fault: the pixel is gone during the swap.
GONE = [("25.10", True, 20), ("25.10", True, 21), ("25.10", True, 23), ("25.04", False, 18)]


# Each step has each fault on one of the releases. For read-only steps, a call in the middle has the fault.
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
@pytest.mark.wide
def test_a_step_that_fails_leaves_the_old_state_or_the_new_one_and_the_next_run_converges(
    restore, run, truenas, web, method, safety, fault, after
):
    method = method.format(snapshot=truenas.world.release.snapshot_service)
    strike(truenas, fault, method, after)

    first = restore(safety=safety)

    if method.endswith(".query"):
        # This test does not check the number of calls.
        truenas.faults.clear()
    assert truenas.faults.waiting == []
    assert web.status == "RUNNING"
    state = read(truenas, STATE)
    assert state in ("now", "ready")
    if "failed" not in first:
        assert state == "ready"
    elif "virt.instance.stop" in truenas.stats.methods_called:
        assert "web is now running" in first["msg"]
        assert ("its files are unchanged" not in first["msg"]) or state == "now"
    assert "ready" in [each["label"] for each in run(pixels_checkpoint_info, name="web")["checkpoints"]]
    assert "failed" not in restore(safety=safety, discard_newer=not safety)
    assert read(truenas, STATE) == "ready"
    assert web.status == "RUNNING"
    asides = [name for name in truenas.world.storage.zfs.datasets if "/deleted/containers/px-web." in name]
    listed = run(pixels_checkpoint_info, name="web")["checkpoints"]
    assert len({each["snapshot"].partition("@")[0] for each in listed}) == 1 + len(asides)


@pytest.mark.parametrize(("release", "safety", "after"), GONE)
@pytest.mark.wide
def test_a_nas_that_stays_away_loses_nothing_and_the_next_run_converges(
    restore, truenas, web, no_pauses, safety, after
):
    truenas.faults.go_away(after=after)

    first = restore(safety=safety, connect_timeout=1, call_timeout=1)

    truenas.faults.clear()
    assert "failed" in first
    if "could not be started again" in first["msg"]:
        assert "Run this again to start it as well" in first["msg"]
    assert "failed" not in restore(safety=safety, discard_newer=not safety)
    assert read(truenas, STATE) == "ready"
    assert web.status == "RUNNING"


def test_one_that_cannot_be_started_again_is_reported_so(restore, truenas, web):
    truenas.faults.add("fail_job", method="virt.instance.start", errno=14, text="no room", times=2)

    result = restore()

    assert "its files are those of ready, but it was not started" in result["msg"]
    assert "web is now stopped, and ran before. Run this again to start it as well" in result["msg"]
    assert "failed" not in restore()
    assert web.status == "RUNNING"


@pytest.mark.parametrize("cloned", [False, True])
def test_what_a_killed_controller_left_unfinished_is_recovered_by_the_next_run(restore, truenas, web, cloned):
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


@pytest.mark.parametrize("safety", [False, True])
def test_one_that_takes_long_to_stop_is_restored_and_runs_again(restore, truenas, web, safety):
    truenas.faults.add("stop_times_out", method="virt.instance.stop", late=0.3)

    assert restore(safety=safety)["restored_to"] == "ready"

    assert (web.status, web.starts) == ("RUNNING", 1)
    assert read(truenas, STATE) == "ready"


def test_one_that_shows_no_status_after_its_stop_is_restored_and_runs_again(restore, truenas, web):
    truenas.world.options.unknown_seconds = 0.3

    assert restore()["container"]["status"] == "running"

    assert read(truenas, STATE) == "ready"


@pytest.mark.parametrize("status", ["RUNNING", "STOPPED"])
def test_one_that_shows_no_status_at_first_is_as_it_was_afterwards(restore, truenas, web, status):
    web.status = status
    truenas.faults.add("shows_status", method="px-web", status="UNKNOWN", times=3)

    restore()

    assert web.status == status
    assert read(truenas, STATE) == "ready"


@pytest.fixture
def heir(truenas, web, run):
    """Return a clone that received the checkpoint of its source when the source was destroyed."""
    for path, text in {"/etc/hostname": "px-web\n", "/etc/ssh/ssh_host_ed25519_key": "secret of web"}.items():
        put(truenas, path, text)
    truenas.world.add_snapshot("px-web", "set")
    made = run(pixels_container, name="heir", wait_timeout=20, **{"from": "web@set"})
    assert "failed" not in made
    gone = run(pixels_container, name="web", state="absent", clones="promote", wait_timeout=20, delete_delay=0)
    assert "failed" not in gone
    assert labels(truenas, HEIR) == ["ready", "set"]
    return truenas.world.containers["px-heir"]


HEIR = "tank/.ix-virt/containers/px-heir"


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("options", [{}, {"safety": True}, {"discard_newer": True}])
@pytest.mark.wide
def test_a_checkpoint_of_another_pixel_comes_back_as_one_of_this(restore, truenas, heir, started, options):
    mac, environment, uuid = heir.mac, dict(heir.environment), heir.uuid

    result = restore("heir", "set", started=started, **options)

    assert result["safety"] in labels(truenas, f"tank/.ix-virt/deleted/containers/px-heir.{result['safety']}")
    assert read(truenas, "/etc/hostname", name="px-heir") == "px-heir\n"
    assert "OPENSSH PRIVATE KEY" in read(truenas, "/etc/ssh/ssh_host_ed25519_key", name="px-heir")
    truenas.set_up_incus()
    assert truenas.world.state == "INITIALIZED"
    found = truenas.world.containers["px-heir"]
    assert (found.mac, found.environment, found.uuid) == (mac, environment, uuid)


def test_a_checkpoint_of_its_own_keeps_its_host_keys_in_each_kind_of_restore(restore, truenas, web):
    put(truenas, "/etc/ssh/ssh_host_ed25519_key", "secret of web")
    truenas.world.add_snapshot("px-web", "own")

    restore(label="own", safety=True)

    assert read(truenas, "/etc/ssh/ssh_host_ed25519_key") == "secret of web"


@pytest.mark.parametrize("safety", [False, True])
def test_settings_are_those_of_now_when_the_nas_is_set_up_again(restore, run, truenas, web, safety):
    run(pixels_container, name="web", labels={"role": "db"}, cpu="4", state="present")

    restore(started=False, safety=safety, discard_newer=not safety)
    truenas.set_up_incus()

    found = truenas.world.containers["px-web"]
    assert (found.cpu, found.environment) == ("4", {"PIXELS/label/role": "db"})


@pytest.mark.wide
def test_an_account_that_may_not_swap_datasets_is_reported_before_anything_is_stopped(restore, truenas, nas, heir):
    roles = ["VIRT_GLOBAL_READ", "VIRT_INSTANCE_WRITE", "SNAPSHOT_READ", "SNAPSHOT_WRITE", "SNAPSHOT_DELETE"]
    nas.update(username="helper", api_key=truenas.add_account("helper", roles=roles))

    result = restore("heir", "set")

    assert "nothing was changed" in result["msg"]
    assert "FULL_ADMIN" in result["msg"]
    assert heir.status == "RUNNING"


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.parametrize("label", ["set", "own"])
@pytest.mark.parametrize(
    ("step", "after", "there"),
    [
        ("pool.snapshot.clone", 1, True),
        ("filesystem.file_receive", 1, True),
        ("zfs.dataset.rename", 1, False),
        ("zfs.dataset.rename", 2, True),
        ("pool.dataset.promote", 1, True),
    ],
)
@pytest.mark.wide
def test_a_nas_set_up_again_amid_a_restore_keeps_all_containers(
    restore, truenas, heir, no_pauses, monkeypatch, tmp_path, label, step, after, there
):
    truenas.world.add_container("px-other")
    truenas.world.add_snapshot("px-heir", "own")
    truenas.faults.go_away(after=after, of=step)
    mac, uuid = heir.mac, heir.uuid

    assert "failed" in restore("heir", label, safety=True, connect_timeout=1, call_timeout=1, login_wait=0)
    truenas.faults.clear()
    truenas.set_up_incus()
    # The next run is on another controller, so the logins of this one do not count.
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    assert truenas.world.state == "INITIALIZED"
    assert set(truenas.world.containers) == {"px-other"} | ({"px-heir"} if there else set())
    if there:
        found = truenas.world.containers["px-heir"]
        assert (found.mac, found.uuid) == (mac, uuid)
        assert "failed" not in restore("heir", label, safety=True, started=True)
        assert read(truenas, "/etc/hostname", name="px-heir") == "px-heir\n"
        assert not any("/.pixels-" in name for name in truenas.world.storage.zfs.datasets)


def test_what_an_interrupted_restore_left_goes_with_its_checkpoint(run, truenas, web):
    truenas.world.run(truenas.world.storage.clone(f"{WEB}@ready", "tank/.pixels-px-web.1"))

    assert run(pixels_checkpoint, name="web", label="ready", state="absent")["changed"]

    assert "tank/.pixels-px-web.1" not in truenas.world.storage.zfs.datasets


def test_what_an_interrupted_restore_left_goes_with_its_pixel(run, truenas, web):
    truenas.world.run(truenas.world.storage.clone(f"{WEB}@ready", "tank/.pixels-px-web.1"))

    assert run(pixels_container, name="web", state="absent", wait_timeout=20, delete_delay=0)["changed"]

    assert not any("px-web" in name for name in truenas.world.storage.zfs.datasets)


@pytest.mark.parametrize(
    ("order", "options", "refused"),
    [
        (["snapshot-mine", "ready"], {}, False),
        (["snapshot-mine", "ready"], {"safety": True}, True),
        (["ready", "snapshot-mine"], {"discard_newer": True}, True),
        (["ready", "snapshot-mine"], {"safety": True}, True),
    ],
)
def test_snapshots_of_incus_itself_neither_go_nor_change_places(restore, truenas, save, order, options, refused):
    web = truenas.world.add_container("px-web")
    save(*order)

    result = restore(**options)

    if refused:
        assert "nothing was changed" in result["msg"]
        assert "incus snapshot delete px-web mine" in result["msg"]
        assert web.status == "RUNNING"
        assert labels(truenas) == order
    else:
        assert result["restored_to"] == "ready"


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
