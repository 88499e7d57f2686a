# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of cloning a pixel from a checkpoint of another, and of destroying those that others were cloned from."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import cloning
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import NewContainer
from ansible_collections.pixels.truenas.plugins.modules import pixels_checkpoint, pixels_container, pixels_fleet
from tests.unit.plugins.conftest import INCUS, put, read, strike

BASE = "tank/.ix-virt/containers/px-base"
COPY = "tank/.ix-virt/containers/px-copy"
NEW = "tank/.ix-virt/containers/px-new"
STATE = "/root/state"
OLD_ID = "0123456789abcdef0123456789abcdef\n"


@pytest.fixture
def container(run):
    """The module, with the times a test can wait for."""

    def run_module(name="new", **params):
        return run(pixels_container, **{"name": name, "wait_timeout": 20, "delete_delay": 0, **params})

    return run_module


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """What a run left is known as such after a moment."""
    monkeypatch.setattr(cloning, "GRACE", 0.1)


@pytest.fixture
def base(truenas):
    """A running pixel with a checkpoint C(ready) and something newer in its files."""
    made = truenas.world.add_container("px-base", cpu="3", environment={"A": "b"})
    for path, text in {
        STATE: "ready",
        "/etc/hostname": "px-base\n",
        "/etc/hosts": "127.0.0.1 localhost\n127.0.1.1 px-base.lan px-base\n",
        "/etc/machine-id": OLD_ID,
        "/etc/ssh/ssh_host_ed25519_key": "secret of base",
        "/etc/ssh/ssh_host_ed25519_key.pub": "ssh-ed25519 AAAA base",
    }.items():
        put(truenas, path, text, name="px-base", mode=0o600 if text.startswith("secret") else 0o644)
    truenas.world.add_snapshot("px-base", "ready")
    put(truenas, STATE, "now", name="px-base")
    return made


def datasets(truenas):
    return set(truenas.world.storage.zfs.datasets)


def labels(truenas, dataset=BASE):
    return [each.label for each in truenas.world.storage.zfs.of(dataset)]


def origin(truenas, dataset=NEW):
    return truenas.world.storage.zfs.datasets[dataset].origin


@pytest.mark.parametrize("source", ["base@ready", "base:ready", "px-base@ready"])
def test_a_clone_has_the_files_of_the_checkpoint(container, truenas, base, source):
    result = container(**{"from": source})

    assert result["changed"]
    assert result["container"]["status"] == "running"
    assert result["container"]["origin"] == "base@ready"
    assert read(truenas, STATE, name="px-new") == "ready"
    assert origin(truenas) == f"{BASE}@ready"
    assert read(truenas, STATE, name="px-base") == "now"


def test_a_clone_without_a_label_is_of_the_present_state_and_its_origin_says_what_for(container, truenas, base):
    container(**{"from": "base"})

    assert read(truenas, STATE, name="px-new") == "now"
    assert labels(truenas) == ["ready", "px-clone-new"]


def test_the_source_goes_on_running(container, truenas, base):
    container(**{"from": "base"})

    assert base.status == "RUNNING"
    assert truenas.stats.calls["virt.instance.stop"] == 0


def test_takes_after_its_source_unless_told_otherwise(container, truenas, base):
    container(**{"from": "base@ready"}, memory="4GiB", environment={"C": "d"})

    made = truenas.world.containers["px-new"]
    assert (made.cpu, made.memory) == ("3", 4096 * 1024 * 1024)
    assert made.environment == {"C": "d", "PIXELS/origin": "base@ready"}
    assert made.image["release"] == base.image["release"]


def test_lives_on_the_pool_of_its_source(container, truenas):
    truenas.world.add_container("px-base", storage_pool="fast")
    truenas.world.add_snapshot("px-base", "ready")

    result = container(**{"from": "base@ready"})

    assert result["container"]["dataset"] == "fast/.ix-virt/containers/px-new"
    assert origin(truenas, "fast/.ix-virt/containers/px-new") == "fast/.ix-virt/containers/px-base@ready"
    assert "a clone cannot leave it" in container("other", storage_pool="tank", **{"from": "base@ready"})["msg"]


def test_is_somebody_of_its_own(container, truenas, base):
    container(**{"from": "base@ready"})

    assert read(truenas, "/etc/hostname", name="px-new") == "px-new\n"
    assert read(truenas, "/etc/hosts", name="px-new") == "127.0.0.1 localhost\n127.0.1.1 px-new.lan px-new\n"
    machine_id = read(truenas, "/etc/machine-id", name="px-new")
    assert len(machine_id) == len(OLD_ID)
    assert machine_id != OLD_ID
    assert "OPENSSH PRIVATE KEY" in read(truenas, "/etc/ssh/ssh_host_ed25519_key", name="px-new")
    assert read(truenas, "/etc/ssh/ssh_host_ed25519_key.pub", name="px-new").endswith("root@px-new\n")
    assert read(truenas, "/etc/machine-id", name="px-base") == OLD_ID


def test_is_somebody_of_its_own_before_it_meets_the_network(container, truenas, base):
    container(**{"from": "base@ready"})

    called = truenas.stats.methods_called
    assert truenas.stats.calls["virt.instance.start"] == 1
    last_written = len(called) - 1 - called[::-1].index("filesystem.file_receive")
    assert last_written < called.index("virt.instance.start")


def test_its_host_key_is_known_from_the_start(container, truenas, base, tmp_path):
    container(**{"from": "base@ready"})

    key = read(truenas, "/etc/ssh/ssh_host_ed25519_key.pub", name="px-new").split()[1]
    assert key in (tmp_path / "state/pixels/known_hosts").read_text()


@pytest.mark.parametrize("state", ["present", "stopped"])
def test_one_that_is_not_to_run_never_does(container, truenas, base, state):
    container(state=state, **{"from": "base@ready"})

    assert truenas.world.containers["px-new"].status == "STOPPED"
    assert read(truenas, "/etc/hostname", name="px-new") == "px-new\n"
    assert truenas.stats.calls["virt.instance.start"] == 0


def test_nothing_is_destroyed_before_its_replacement_is_there(container, truenas, base):
    service = truenas.world.release.snapshot_service
    container(**{"from": "base@ready"})

    steps = (f"{service}.clone", "zfs.dataset.rename", "zfs.dataset.delete", "virt.instance.delete", "cronjob.create")
    assert [each for each in truenas.stats.methods_called if each in steps] == [
        f"{service}.clone",
        "zfs.dataset.rename",
        "zfs.dataset.rename",
        "zfs.dataset.delete",
    ]


def test_leaves_no_dataset_beside_the_clone(container, truenas, base):
    before = datasets(truenas)

    container(**{"from": "base@ready"})

    assert datasets(truenas) - before == {NEW}


@pytest.mark.parametrize("again", ["base@ready", "base"])
def test_a_second_run_changes_nothing(container, truenas, base, again):
    container(**{"from": "base@ready"})

    assert not container(**{"from": again})["changed"]


def test_goes_on_when_the_source_is_gone(container, truenas, base):
    container(**{"from": "base@ready"})
    container("base", state="absent", clones="leave")

    assert not container(**{"from": "base@ready"})["changed"]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("nobody@ready", "there is no pixel named nobody"),
        ("base@raedy", "base on 127.0.0.1"),
        ("base@raedy", "has no checkpoint raedy; it has ready"),
        ("new@ready", "cannot be cloned from itself"),
        ("@ready", "names nothing to clone from"),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_what_is_not_there_cannot_be_cloned_and_nothing_is_changed(
    container, truenas, base, source, problem, check_mode
):
    before = truenas.world.as_json()

    result = container(check_mode=check_mode, **{"from": source})

    assert problem in result["msg"]
    assert truenas.world.as_json() == before


def test_a_pixel_of_another_origin_is_refused_and_stays_as_it_is(container, truenas, base):
    truenas.world.add_container("px-new")
    container("other", **{"from": "base"})
    before = truenas.world.as_json()

    assert "new is no clone, and cannot become one of base@ready" in container(**{"from": "base@ready"})["msg"]
    assert "other was cloned from base@px-clone-other" in container("other", **{"from": "base@ready"})["msg"]
    assert truenas.world.as_json() == before


def make_symlink(truenas, path, target):
    """From here on a file of every pixel is one, as its root could have made it."""
    engine = truenas.world.engine
    looked = engine.stat

    async def stat(name, asked):
        found = await looked(name, asked)
        return found._replace(type="SYMLINK", target=target) if asked == path and found else found

    engine.stat = stat


def test_a_symlink_that_leads_to_nothing_on_the_nas_makes_no_file_there(container, truenas, base):
    make_symlink(truenas, "/etc/hostname", "/etc/cron.d/evil")

    assert "failed" not in container(**{"from": "base@ready"})

    assert not (truenas.world.files.root / "etc/cron.d").exists()


def test_a_symlink_in_the_checkpoint_is_not_written_through(container, truenas, base):
    make_symlink(truenas, "/etc/hostname", "/etc")
    before = datasets(truenas)

    result = container(**{"from": "base@ready"})

    assert "symlink" in result["msg"]
    assert datasets(truenas) == before
    assert set(truenas.world.containers) == {"px-base"}


def test_a_folder_that_is_a_symlink_in_the_checkpoint_is_not_written_through(container, truenas, base):
    make_symlink(truenas, "/etc", "/root")
    before = datasets(truenas)

    result = container(**{"from": "base@ready"})

    assert "/etc in px-new is a symlink: nothing is written through it" in result["msg"]
    assert datasets(truenas) == before


def test_what_is_in_a_clone_that_nobody_is_in_yet_is_looked_at_once(container, truenas, base):
    put(truenas, "/etc/ssh/ssh_host_rsa_key", "secret of base", name="px-base")
    truenas.world.add_snapshot("px-base", "without")
    put(truenas, "/etc/ssh/ssh_host_rsa_key.pub", "ssh-rsa AAAA base", name="px-base")
    truenas.world.add_snapshot("px-base", "with")
    looks = []

    for name in ("without", "with"):
        truenas.stats.calls.clear()
        container(name, **{"from": f"base@{name}"})
        looks.append(truenas.stats.calls["filesystem.stat"])

    # Whether it is there, and not once more before it is written; nor the folders that it is in.
    assert looks[1] == looks[0]


def test_who_may_not_clone_is_told_which_role_it_takes(container, truenas, base, nas):
    roles = ["VIRT_GLOBAL_READ", "VIRT_INSTANCE_WRITE", "SNAPSHOT_READ", "NETWORK_INTERFACE_READ"]
    roles += ["NETWORK_GENERAL_READ", "SNAPSHOT_WRITE", "SNAPSHOT_DELETE", "FILESYSTEM_ATTRS_READ"]
    nas.update(username="limited", api_key=truenas.add_account("limited", roles=roles))
    before = truenas.world.as_json()

    result = container(**{"from": "base@ready"})

    assert result["error"]["kind"] == "NotPermitted"
    assert "the role FULL_ADMIN" in result["msg"]
    assert truenas.world.as_json() == before


@pytest.mark.parametrize("release", ["25.10"])
def test_what_all_clones_of_a_checkpoint_have_is_looked_at_once(run, truenas, base):
    looks = []

    for names in (["alone"], [f"agent-{number}" for number in range(4)]):
        truenas.stats.calls.clear()
        run(pixels_fleet, pixels=names, defaults={"from": "base@ready"})
        looks.append(truenas.stats.calls["core.download"])

    assert looks[0] == looks[1] > 0


@pytest.mark.parametrize("release", ["25.10"])
def test_a_clone_after_one_that_failed_looks_for_itself(run, truenas, base):
    truenas.faults.add("fail_call", method="zfs.dataset.rename", errno=14, reason="bad luck")
    truenas.stats.calls.clear()
    run(pixels_fleet, pixels=["alone"], defaults={"from": "base@ready"}, state="stopped")
    looks = truenas.stats.calls["core.download"]
    truenas.faults.add("fail_call", method="zfs.dataset.rename", errno=14, reason="bad luck")
    truenas.stats.calls.clear()

    result = run(pixels_fleet, pixels=["first", "second"], defaults={"from": "base@ready"}, concurrency=1)

    assert [each["outcome"] for each in result["pixels"]] == ["failed", "created"]
    assert truenas.stats.calls["core.download"] == 2 * looks > 0


@pytest.mark.parametrize("release", ["25.10"])
def test_twenty_at_once_from_one_checkpoint(run, truenas, base):
    names = [f"agent-{number}" for number in range(1, 21)]

    result = run(pixels_fleet, pixels=names, defaults={"from": "base@ready", "wait_timeout": 60}, concurrency=10)

    assert result["summary"]["created"] == 20
    ids = {read(truenas, "/etc/machine-id", name=f"px-{name}") for name in names}
    assert len(ids) == 20
    assert len(truenas.world.storage.zfs.clones(f"{BASE}@ready")) == 20


# what goes wrong

STEPS = [
    "{snapshot}.clone",
    "filesystem.file_receive",
    "virt.instance.create",
    "zfs.dataset.rename",
    "zfs.dataset.delete",
    "virt.instance.update",
    "virt.instance.start",
]


FAULTS = ["fail", "drop_before_call", "drop_before_reply", "drop_after_reply"]
SECOND = ["zfs.dataset.rename", "filesystem.stat", "virt.instance.update"]
# Each step meets each fault, on one release or the other.
STRUCK = [
    (INCUS[(number + number // len(FAULTS)) % 2], *case)
    for number, case in enumerate(
        [
            *itertools.product(["base@ready"], STEPS, [0], FAULTS),
            *itertools.product(["base"], ["{snapshot}.create"], [0], FAULTS),
            *itertools.product(["base@ready"], SECOND, [1], FAULTS),
        ]
    )
]


@pytest.mark.parametrize(("release", "source", "step", "after", "fault"), STRUCK)
def test_a_step_that_fails_leaves_no_clone_or_a_whole_one_and_the_next_run_converges(
    container, truenas, base, source, step, after, fault
):
    before = datasets(truenas)
    strike(truenas, fault, step.format(snapshot=truenas.world.release.snapshot_service), after)

    first = container(**{"from": source})

    assert truenas.faults.waiting == []
    if "px-new" in truenas.world.containers:
        assert (datasets(truenas) - before) == {NEW}
        assert origin(truenas).startswith(f"{BASE}@")
        assert "PIXELS/cloning" not in truenas.world.containers["px-new"].environment
    else:
        assert "failed" in first
        assert datasets(truenas) == before
        assert labels(truenas) == ["ready"]
    converges(container, truenas, before, source)


@pytest.mark.parametrize(("release", "after"), [("25.10", 43), ("25.04", 45), ("25.10", 47)])
def test_a_nas_that_stays_away_leaves_what_the_next_run_converges(container, truenas, base, after):
    before = datasets(truenas)
    truenas.faults.go_away(after=after)

    first = container(connect_timeout=1, call_timeout=1, **{"from": "base@ready"})

    truenas.faults.clear()
    assert "failed" in first
    converges(container, truenas, before, "base@ready")


def converges(container, truenas, before, source):
    assert "failed" not in container(**{"from": source})
    made = truenas.world.containers["px-new"]
    assert (made.status, made.autostart) == ("RUNNING", True)
    assert read(truenas, STATE, name="px-new") == ("ready" if source == "base@ready" else "now")
    assert datasets(truenas) - before == {NEW}


@pytest.fixture
def unfinished(container, truenas, base):
    """A clone that could neither be finished nor taken back."""
    for method in ("zfs.dataset.rename", "zfs.dataset.delete"):
        truenas.faults.add("fail_call", method=method, errno=14, reason="bad luck", times=2)
    result = container(**{"from": "base"})
    truenas.faults.clear()
    assert "Taking back what had been done failed as well" in result["msg"]
    return truenas.world.containers["px-new"]


def test_what_could_not_be_taken_back_is_finished_by_the_next_run(container, truenas, base, unfinished):
    result = container(**{"from": "base"})

    assert "failed" not in result
    assert read(truenas, STATE, name="px-new") == "now"
    assert [name for name in datasets(truenas) if "pixels-" in name or "unused" in name] == []


def test_what_could_not_be_taken_back_goes_with_absent(container, truenas, base, unfinished):
    assert "failed" not in container(state="absent")

    assert [name for name in datasets(truenas) if "px-new" in name] == []
    assert labels(truenas) == ["ready"]


def test_what_is_not_finished_is_not_started(container, truenas, base, unfinished):
    assert "new is an unfinished clone of base@px-clone-new" in container(state="started")["msg"]
    assert unfinished.status == "STOPPED"


def test_what_somebody_started_before_it_was_finished_is_not_thrown_away(container, truenas, base, unfinished):
    unfinished.status = "RUNNING"
    unfinished.starts = 1

    result = container(**{"from": "base"})

    assert "unfinished clone" in result["msg"]
    assert "px-new" in truenas.world.containers


def test_of_two_that_make_the_same_clone_one_succeeds_and_neither_harms_the_other(truenas, pixels, base, monkeypatch):
    monkeypatch.setattr(cloning, "GRACE", 20.0)
    source = cloning.find_source(pixels, cloning.parse("base@ready"), "px-new")
    new = NewContainer("px-new", "ubuntu/24.04", pool="tank")
    before = datasets(truenas)

    def make(_each):
        try:
            cloning.clone(pixels, source, new, deadline=Deadline(20))
        except PixelsError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(max_workers=2) as pool:
        problems = list(pool.map(make, range(2)))

    assert problems.count(None) == 1
    assert datasets(truenas) - before == {NEW}
    assert "PIXELS/run" not in truenas.world.containers["px-new"].environment
    assert read(truenas, STATE, name="px-new") == "ready"


def test_what_somebody_else_is_making_right_now_is_left_to_him(container, truenas, base, unfinished, monkeypatch):
    monkeypatch.setattr(cloning, "GRACE", 20.0)

    def finished_meanwhile():
        unfinished.environment = {"PIXELS/origin": "base@px-clone-new"}

    timer = threading.Timer(0.5, finished_meanwhile)
    timer.start()
    result = container(**{"from": "base"})
    timer.join()

    assert "somebody else is making new right now" in result["msg"]
    assert not container(**{"from": "base"}, state="present")["changed"]


# the end of clones, and of what they were made from


def test_an_origin_that_was_taken_for_a_clone_goes_with_it(container, truenas, base):
    container(**{"from": "base"})

    container(state="absent")

    assert labels(truenas) == ["ready"]


def test_a_checkpoint_of_the_users_stays(container, truenas, base):
    container(**{"from": "base@ready"})

    container(state="absent")

    assert labels(truenas) == ["ready"]


def test_an_origin_left_by_an_earlier_clone_is_not_taken_for_the_present_state(container, run, truenas, base):
    container(**{"from": "base"})
    put(truenas, STATE, "later", name="px-base")
    # Destroyed in the web interface of TrueNAS, which knows nothing of origins.
    truenas.world.run(truenas.world.storage.remove_container(NEW))
    truenas.world.containers.pop("px-new")

    container(**{"from": "base"})

    assert read(truenas, STATE, name="px-new") == "later"
    assert labels(truenas) == ["ready", "px-clone-new"]


def test_keeping_the_newest_checkpoints_does_not_count_origins(container, run, truenas, base):
    container(**{"from": "base"})
    container(state="absent", name="nobody")

    result = run(pixels_checkpoint, name="base", label="one", keep=1)

    assert result["pruned"] == []
    assert labels(truenas) == ["ready", "px-clone-new", "one"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_pixel_others_were_cloned_from_is_not_destroyed_and_they_are_named(container, truenas, base, check_mode):
    container(**{"from": "base@ready"})
    container("another", **{"from": "base"})
    before = truenas.world.as_json()

    result = container("base", state="absent", check_mode=check_mode)

    assert "new (from ready), another (from px-clone-another)" in result["msg"]
    assert "clones: promote" in result["msg"]
    assert truenas.world.as_json() == before


def test_its_checkpoints_can_be_handed_over_to_a_clone(container, run, truenas, base):
    container(**{"from": "base@ready"})
    container("another", **{"from": "base"})

    assert "failed" not in container("base", state="absent", clones="promote")

    another = NEW.replace("px-new", "px-another")
    assert "px-base" not in truenas.world.containers
    assert [name for name in datasets(truenas) if "base" in name or "deleted/containers/" in name] == []
    assert labels(truenas, another) == ["ready", "px-clone-another"]
    assert origin(truenas) == f"{another}@ready"
    assert read(truenas, STATE, name="px-new") == "ready"


@pytest.mark.parametrize("check_mode", [False, True])
def test_checkpoints_of_the_same_name_are_told_before_anything_is_handed_over(
    container, run, truenas, base, check_mode
):
    container(**{"from": "base@ready"})
    run(pixels_checkpoint, name="new", label="ready")

    result = container("base", state="absent", clones="promote", check_mode=check_mode)

    assert "new has checkpoints of the same names: delete ready on one side" in result["msg"]
    assert base.status == "RUNNING"


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_held_checkpoint_is_told_before_the_pixel_is_stopped(container, truenas, base, check_mode):
    truenas.world.storage.hold(f"{BASE}@ready")

    result = container("base", state="absent", check_mode=check_mode)

    assert "checkpoints that are held, which is ready" in result["msg"]
    assert base.status == "RUNNING"


def test_its_data_can_be_left_to_the_clones_until_they_are_gone(container, truenas, base):
    container(**{"from": "base@ready"})

    assert "failed" not in container("base", state="absent", clones="leave")
    assert read(truenas, STATE, name="px-new") == "ready"
    assert any("/deleted/containers/" in name for name in datasets(truenas))

    container(state="absent")
    assert not any("/deleted/containers/" in name for name in datasets(truenas))


def test_an_account_that_may_not_see_checkpoints_can_still_destroy(container, truenas, nas):
    truenas.world.add_container("px-web")
    roles = ["VIRT_GLOBAL_READ", "VIRT_INSTANCE_WRITE"]
    nas.update(username="limited", api_key=truenas.add_account("limited", roles=roles))

    assert "failed" not in container("web", state="absent")


CASES = itertools.product(["RUNNING", "STOPPED", None], [(), ("older",), ("newer",)], [False, True])


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.parametrize(("source", "around", "cloned"), list(CASES))
@pytest.mark.parametrize("wanted", ["base@ready", "base"])
def test_check_mode_predicts_each(container, truenas, source, around, cloned, wanted):
    if source:
        truenas.world.add_container("px-base", status=source)
        for label in sorted({"ready", *around}, key=["older", "ready", "newer"].index):
            truenas.world.add_snapshot("px-base", label)
        if cloned:
            truenas.world.run(truenas.world.storage.clone(f"{BASE}@ready", "tank/.ix-virt/containers/px-copy"))
    before = truenas.world.as_json()

    predicted = container(check_mode=True, wait="running", **{"from": wanted})

    assert truenas.world.as_json() == before
    done = container(wait="running", **{"from": wanted})
    assert {**done, "container": None} == {**predicted, "container": None}
    if "failed" in done:
        assert truenas.world.as_json() == before
    else:
        assert not container(wait="running", **{"from": wanted})["changed"]


def test_where_all_of_them_go_together_nobody_is_in_the_way(container, run, truenas, base):
    container(**{"from": "base@ready"})
    container("another", **{"from": "base"})

    refused = run(pixels_fleet, pixels=["base", "new"], state="absent")
    done = run(pixels_fleet, pixels=["base", "new", "another"], state="absent")

    assert "another (from px-clone-another)" in refused["msg"]
    assert "failed" not in done
    assert not any("px-" in name or "deleted/containers/" in name for name in datasets(truenas))


DESTROYED = [
    case
    for case in itertools.product(
        ["RUNNING", "STOPPED", None],
        [(), ("older",), ("newer",)],
        ["none", "a clone", "a clone with the same label"],
        ["refuse", "promote", "leave"],
    )
    if case[0] or case[1:] == ((), "none", "refuse")
]
# In a fleet it is the same plan.
IN_A_FLEET = [(True, *case) for case in DESTROYED if case[0] != "STOPPED" and case[1] == ()]


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.parametrize(
    ("fleet", "status", "around", "cloned", "clones"), [*((False, *case) for case in DESTROYED), *IN_A_FLEET]
)
def test_check_mode_predicts_each_end(run, truenas, fleet, status, around, cloned, clones):
    if status:
        truenas.world.add_container("px-base", status=status)
        for label in sorted({"ready", *around}, key=["older", "ready", "newer"].index):
            truenas.world.add_snapshot("px-base", label)
        if cloned != "none":
            truenas.world.add_container("px-copy", status="STOPPED")
            truenas.world.run(truenas.world.storage.remove_container(COPY))
            truenas.world.run(truenas.world.storage.clone(f"{BASE}@ready", COPY))
        if cloned == "a clone with the same label":
            truenas.world.add_snapshot("px-copy", "ready")
    wanted = {"state": "absent", "clones": clones}
    module = pixels_fleet if fleet else pixels_container
    options = {"pixels": [{"name": "base", **wanted}]} if fleet else {"name": "base", **wanted}
    before = truenas.world.as_json()

    predicted = run(module, check_mode=True, **options)

    assert truenas.world.as_json() == before
    done = run(module, **options)
    for result in (predicted, done):
        result.pop("container", None)
        for each in result.get("pixels", []):
            each.pop("container")
    assert done == predicted
    if "failed" in done:
        assert truenas.world.as_json() == before
    else:
        assert "px-base" not in truenas.world.containers
        assert not run(module, **options)["changed"]
