# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of cloning pixels, and of destroying pixels that have clones."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning import cloner
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning.source import find_source, parse_origin
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import NewContainer
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from ansible_collections.pixels.truenas.plugins.modules import pixels_checkpoint, pixels_container, pixels_fleet
from tests.sweeps.nas import Nas
from tests.unit.plugins.conftest import INCUS, put, read, strike

BASE = "tank/.ix-virt/containers/px-base"
COPY = "tank/.ix-virt/containers/px-copy"
NEW = "tank/.ix-virt/containers/px-new"
STATE = "/root/state"
OLD_ID = "0123456789abcdef0123456789abcdef\n"


@pytest.fixture
def container(run):
    """Run the module with short timeouts."""

    def run_module(name="new", **params):
        return run(pixels_container, **{"name": name, "wait_timeout": 20, "delete_delay": 0, **params})

    return run_module


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Shorten the time after which the remains of an interrupted run are recognized."""
    monkeypatch.setattr(cloner, "ACTIVITY_TIMEOUT_S", 0.1)


@pytest.fixture
def base(truenas):
    """Return a running pixel with a checkpoint `ready` and newer files."""
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


@pytest.mark.parametrize("source", ["base@ready", "px-base:ready", "px-base@ready"])
@pytest.mark.wide
def test_a_clone_has_the_files_of_the_checkpoint(container, truenas, base, source):
    result = container(**{"from": source})

    assert result["changed"]
    assert result["container"]["status"] == "running"
    assert result["container"]["origin"] == "base@ready"
    assert read(truenas, STATE, name="px-new") == "ready"
    assert origin(truenas) == f"{BASE}@ready"
    assert read(truenas, STATE, name="px-base") == "now"


@pytest.mark.wide
def test_a_clone_without_a_label_is_of_the_present_state_and_its_origin_says_what_for(container, truenas, base):
    container(**{"from": "base"})

    assert read(truenas, STATE, name="px-new") == "now"
    assert labels(truenas) == ["ready", "px-clone-new"]


@pytest.mark.wide
def test_the_source_goes_on_running(container, truenas, base):
    container(**{"from": "base"})

    assert base.status == "RUNNING"
    assert truenas.stats.calls["virt.instance.stop"] == 0


@pytest.mark.wide
def test_inherits_from_its_source_by_default(container, truenas, base):
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
    assert (
        "a clone is on the pool of its source"
        in container("other", storage_pool="tank", **{"from": "base@ready"})["msg"]
    )


def test_is_a_user_of_its_own(container, truenas, base):
    container(**{"from": "base@ready"})

    assert read(truenas, "/etc/hostname", name="px-new") == "px-new\n"
    assert read(truenas, "/etc/hosts", name="px-new") == "127.0.0.1 localhost\n127.0.1.1 px-new.lan px-new\n"
    machine_id = read(truenas, "/etc/machine-id", name="px-new")
    assert len(machine_id) == len(OLD_ID)
    assert machine_id != OLD_ID
    assert "OPENSSH PRIVATE KEY" in read(truenas, "/etc/ssh/ssh_host_ed25519_key", name="px-new")
    assert read(truenas, "/etc/ssh/ssh_host_ed25519_key.pub", name="px-new").endswith("root@px-new\n")
    assert read(truenas, "/etc/machine-id", name="px-base") == OLD_ID


@pytest.mark.wide
def test_is_a_user_of_its_own_before_it_meets_the_network(container, truenas, base):
    container(**{"from": "base@ready"})

    called = truenas.stats.methods_called
    assert truenas.stats.calls["virt.instance.start"] == 1
    last_written = len(called) - 1 - called[::-1].index("filesystem.file_receive")
    assert last_written < called.index("virt.instance.start")


@pytest.mark.wide
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


@pytest.mark.wide
def test_leaves_no_dataset_beside_the_clone(container, truenas, base):
    before = datasets(truenas)

    container(**{"from": "base@ready"})

    assert datasets(truenas) - before == {NEW}


@pytest.mark.parametrize("again", ["base@ready", "base"])
@pytest.mark.wide
def test_a_second_run_changes_nothing(container, truenas, base, again):
    container(**{"from": "base@ready"})

    assert not container(**{"from": again})["changed"]


@pytest.mark.wide
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
        ("@ready", "invalid source"),
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


@pytest.mark.wide
def test_a_pixel_of_another_origin_is_refused_and_stays_as_it_is(container, truenas, base):
    truenas.world.add_container("px-new")
    container("other", **{"from": "base"})
    before = truenas.world.as_json()

    assert "new is not a clone, and cannot become a clone of base@ready" in container(**{"from": "base@ready"})["msg"]
    assert "other was cloned from base@px-clone-other" in container("other", **{"from": "base@ready"})["msg"]
    assert truenas.world.as_json() == before


def make_symlink(truenas, path, target):
    """Replace a file of every pixel with a symbolic link, as root in the pixel could."""
    engine = truenas.world.engine
    looked = engine.stat

    async def stat(name, asked):
        found = await looked(name, asked)
        return found._replace(type="SYMLINK", target=target) if asked == path and found else found

    engine.stat = stat


@pytest.mark.wide
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


def test_a_directory_that_is_a_symlink_in_the_checkpoint_is_not_written_through(container, truenas, base):
    make_symlink(truenas, "/etc", "/root")
    before = datasets(truenas)

    result = container(**{"from": "base@ready"})

    assert "/etc in new is a symlink" in result["msg"]
    assert datasets(truenas) == before


@pytest.mark.wide
def test_the_files_of_a_clone_that_was_never_started_are_read_once(container, truenas, base):
    put(truenas, "/etc/ssh/ssh_host_ecdsa_key", "secret of base", name="px-base")
    truenas.world.add_snapshot("px-base", "without")
    put(truenas, "/etc/ssh/ssh_host_ecdsa_key.pub", "ecdsa-sha2-nistp256 AAAA base", name="px-base")
    truenas.world.add_snapshot("px-base", "with")
    looks = []

    for name in ("without", "with"):
        truenas.stats.calls.clear()
        container(name, **{"from": f"base@{name}"})
        looks.append(truenas.stats.calls["filesystem.stat"])

    # One check that the file exists, none before the write, and none of its directories.
    assert looks[1] == looks[0]


def test_an_account_that_may_not_clone_is_reported_with_the_required_role(container, truenas, base, nas):
    roles = ["VIRT_GLOBAL_READ", "VIRT_INSTANCE_WRITE", "SNAPSHOT_READ", "NETWORK_INTERFACE_READ"]
    roles += ["NETWORK_GENERAL_READ", "SNAPSHOT_WRITE", "SNAPSHOT_DELETE", "FILESYSTEM_ATTRS_READ"]
    nas.update(username="limited", api_key=truenas.add_account("limited", roles=roles))
    before = truenas.world.as_json()

    result = container(**{"from": "base@ready"})

    assert result["error"]["kind"] == "NotPermitted"
    assert "the role FULL_ADMIN" in result["msg"]
    assert truenas.world.as_json() == before


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.wide
def test_what_all_clones_of_a_checkpoint_have_is_read_once(run, truenas, base):
    looks = []

    for names in (["alone"], [f"agent-{number}" for number in range(4)]):
        truenas.stats.calls.clear()
        run(pixels_fleet, pixels=names, defaults={"from": "base@ready"})
        looks.append(truenas.stats.calls["core.download"])

    assert looks[0] == looks[1] > 0


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.wide
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
@pytest.mark.wide
def test_twenty_at_the_same_time_from_one_checkpoint(run, truenas, base):
    names = [f"agent-{number}" for number in range(1, 21)]

    result = run(pixels_fleet, pixels=names, defaults={"from": "base@ready", "wait_timeout": 60}, concurrency=10)

    assert result["summary"]["created"] == 20
    ids = {read(truenas, "/etc/machine-id", name=f"px-{name}") for name in names}
    assert len(ids) == 20
    assert len(truenas.world.storage.zfs.clones(f"{BASE}@ready")) == 20


# faults

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
# Each step has each fault on one of the releases.
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
@pytest.mark.wide
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
@pytest.mark.wide
def test_a_nas_that_stays_away_leaves_what_the_next_run_converges(container, truenas, base, no_pauses, after):
    before = datasets(truenas)
    truenas.faults.go_away(after=after)

    first = container(connect_timeout=1, call_timeout=1, **{"from": "base@ready"})

    truenas.faults.clear()
    assert "failed" in first
    converges(container, truenas, before, "base@ready")


@pytest.mark.wide
def test_snapshots_of_incus_itself_are_not_handed_over(container, truenas, base):
    truenas.world.add_snapshot("px-base", "snapshot-mine")
    container(**{"from": "base@ready"})

    result = container("base", state="absent", clones="promote")

    assert "incus snapshot delete px-base mine" in result["msg"]
    assert labels(truenas) == ["ready", "snapshot-mine"]


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.parametrize(
    ("step", "after", "there"),
    [
        ("zfs.dataset.rename", 1, False),
        ("zfs.dataset.rename", 2, True),
        ("zfs.dataset.delete", 1, True),
        ("virt.instance.update", 1, True),
    ],
)
@pytest.mark.wide
def test_a_nas_set_up_again_after_a_step_that_was_the_last_one_keeps_all_containers(
    container, truenas, base, no_pauses, monkeypatch, tmp_path, step, after, there
):
    truenas.faults.go_away(after=after, of=step)
    before = set(truenas.world.containers)

    assert "failed" in container(connect_timeout=1, call_timeout=1, **{"from": "base@ready"})
    truenas.faults.clear()
    made = truenas.world.containers["px-new"]
    truenas.set_up_incus()
    # The next run is on another controller, so the logins of this one do not count.
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    assert truenas.world.state == "INITIALIZED"
    assert set(truenas.world.containers) == before | ({"px-new"} if there else set())
    if there:
        found = truenas.world.containers["px-new"]
        assert (found.mac, found.uuid, found.environment) == (made.mac, made.uuid, made.environment)
        assert found.mac != base.mac
    assert "failed" not in container(**{"from": "base@ready"})
    assert read(truenas, STATE, name="px-new") == "ready"


@pytest.mark.parametrize("state", ["present", "started"])
@pytest.mark.wide
def test_a_finished_clone_keeps_its_own_settings_when_the_nas_is_set_up_again(container, truenas, base, state):
    container(state=state, labels={"role": "web"}, **{"from": "base@ready"})
    made = truenas.world.containers["px-new"]

    truenas.set_up_incus()

    found = truenas.world.containers["px-new"]
    assert (found.mac, found.environment, found.cpu) == (made.mac, made.environment, made.cpu)
    assert found.environment["PIXELS/label/role"] == "web"


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.wide
def test_lines_of_its_own_in_the_hosts_file_survive_the_first_start_and_a_new_set_up(container, truenas, base, again):
    put(truenas, "/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 px-base\n10.0.0.5 db px-base.lan\n", name="px-base")

    container(**{"from": "base"})
    if again:
        truenas.set_up_incus()
        assert "failed" not in container(state="started")

    assert read(truenas, "/etc/hosts", name="px-new") == (
        "127.0.0.1 localhost\n127.0.1.1 px-new\n10.0.0.5 db px-new.lan\n"
    )
    assert read(truenas, "/etc/hostname", name="px-new") == "px-new\n"


def test_a_pixel_of_an_image_keeps_its_hosts_file_when_the_nas_is_set_up_again(container, truenas):
    container(autostart=False)
    put(truenas, "/etc/hosts", "10.0.0.5 db\n", name="px-new")

    truenas.set_up_incus()
    container(state="started")

    assert read(truenas, "/etc/hosts", name="px-new") == "10.0.0.5 db\n"


def test_a_checkpoint_without_a_record_makes_no_clone_and_leaves_nothing(container, truenas, base):
    before = datasets(truenas)
    truenas.world.snapshots[f"{BASE}@ready"].beside.clear()

    result = container(**{"from": "base@ready"})

    assert "is missing on" in result["msg"]
    assert "backup.yaml" in result["msg"]
    assert datasets(truenas) == before
    assert set(truenas.world.containers) == {"px-base"}


def converges(container, truenas, before, source):
    assert "failed" not in container(**{"from": source})
    made = truenas.world.containers["px-new"]
    assert (made.status, made.autostart) == ("RUNNING", True)
    assert read(truenas, STATE, name="px-new") == ("ready" if source == "base@ready" else "now")
    assert datasets(truenas) - before == {NEW}


@pytest.fixture
def unfinished(container, truenas, base):
    """Return a clone that could neither be completed nor removed."""
    for method in ("zfs.dataset.rename", "zfs.dataset.delete"):
        truenas.faults.add("fail_call", method=method, errno=14, reason="bad luck", times=2)
    result = container(**{"from": "base"})
    truenas.faults.clear()
    assert "Removing what had been created failed as well" in result["msg"]
    return truenas.world.containers["px-new"]


@pytest.mark.wide
def test_what_could_not_be_rolled_back_is_finished_by_the_next_run(container, truenas, base, unfinished):
    result = container(**{"from": "base"})

    assert "failed" not in result
    assert read(truenas, STATE, name="px-new") == "now"
    assert [name for name in datasets(truenas) if "pixels-" in name or "unused" in name] == []


def test_what_could_not_be_rolled_back_goes_with_absent(container, truenas, base, unfinished):
    assert "failed" not in container(state="absent")

    assert [name for name in datasets(truenas) if "px-new" in name] == []
    assert labels(truenas) == ["ready"]


def test_what_is_not_finished_is_not_started(container, truenas, base, unfinished):
    assert "new is an unfinished clone of base@px-clone-new" in container(state="started")["msg"]
    assert unfinished.status == "STOPPED"


def test_what_a_user_started_before_it_was_finished_is_not_thrown_away(container, truenas, base, unfinished):
    unfinished.status = "RUNNING"
    unfinished.starts = 1

    result = container(**{"from": "base"})

    assert "unfinished clone" in result["msg"]
    assert "px-new" in truenas.world.containers


@pytest.mark.wide
def test_files_are_not_exchanged_below_a_clone_that_was_started_meanwhile(container, truenas, base, monkeypatch):
    before = datasets(truenas)
    swap = cloner.swap_datasets

    def start_and_swap(pixels, name, where):
        pixels.containers.start(name, timeout=20)
        swap(pixels, name, where)

    monkeypatch.setattr(cloner, "swap_datasets", start_and_swap)

    result = container(**{"from": "base@ready"})

    assert "new on" in result["msg"]
    assert "unfinished clone of base@ready" in result["msg"]
    assert truenas.world.containers["px-new"].status == "RUNNING"
    assert container(state="absent")["changed"]
    assert datasets(truenas) == before


def test_of_two_that_make_the_same_clone_one_succeeds_and_neither_harms_the_other(truenas, pixels, base, monkeypatch):
    monkeypatch.setattr(cloner, "ACTIVITY_TIMEOUT_S", 20.0)
    name = PixelName("px-new")
    source = find_source(pixels, parse_origin("base@ready"), name)
    new = NewContainer(name, "ubuntu/24.04", pool="tank")
    before = datasets(truenas)

    def make(_each):
        try:
            cloner.clone(pixels, source, new, deadline=Deadline(20))
        except PixelsError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(max_workers=2) as pool:
        problems = list(pool.map(make, range(2)))

    assert problems.count(None) == 1
    assert datasets(truenas) - before == {NEW}
    assert "PIXELS/run" not in truenas.world.containers["px-new"].environment
    assert read(truenas, STATE, name="px-new") == "ready"


@pytest.mark.wide
def test_what_another_user_is_creating_is_not_touched(container, truenas, base, unfinished, monkeypatch):
    class FinishedMeanwhile(cloner.Deadline):
        def wait_until(self, *arguments, **options):
            unfinished.environment = {"PIXELS/origin": "base@px-clone-new"}
            return super().wait_until(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(cloner, "ACTIVITY_TIMEOUT_S", 20.0)
        patch.setattr(cloner, "Deadline", FinishedMeanwhile)
        result = container(**{"from": "base"})

    assert "another client is creating new on" in result["msg"]
    assert not container(**{"from": "base"}, state="present")["changed"]


# destroying clones and their sources


@pytest.mark.wide
def test_an_origin_that_was_created_for_a_clone_is_deleted_with_it(container, truenas, base):
    container(**{"from": "base"})

    container(state="absent")

    assert labels(truenas) == ["ready"]


@pytest.mark.wide
def test_a_checkpoint_of_the_users_stays(container, truenas, base):
    container(**{"from": "base@ready"})

    container(state="absent")

    assert labels(truenas) == ["ready"]


@pytest.mark.wide
def test_an_origin_left_by_an_earlier_clone_is_not_mistaken_for_the_present_state(container, run, truenas, base):
    container(**{"from": "base"})
    put(truenas, STATE, "later", name="px-base")
    # Destroyed in the web interface of TrueNAS, which does not check for clones.
    truenas.world.run(truenas.world.storage.remove_container(NEW))
    truenas.world.containers.pop("px-new")

    container(**{"from": "base"})

    assert read(truenas, STATE, name="px-new") == "later"
    assert labels(truenas) == ["ready", "px-clone-new"]


@pytest.mark.wide
def test_keeping_the_newest_checkpoints_does_not_count_origins(container, run, truenas, base):
    container(**{"from": "base"})
    container(state="absent", name="nobody")

    result = run(pixels_checkpoint, name="base", label="one", keep=1)

    assert result["pruned"] == []
    assert labels(truenas) == ["ready", "px-clone-new", "one"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.wide
def test_a_pixel_others_were_cloned_from_is_not_destroyed_and_they_are_named(container, truenas, base, check_mode):
    container(**{"from": "base@ready"})
    container("another", **{"from": "base"})
    before = truenas.world.as_json()

    result = container("base", state="absent", check_mode=check_mode)

    assert "new (from ready), another (from px-clone-another)" in result["msg"]
    assert "clones: promote" in result["msg"]
    assert truenas.world.as_json() == before


@pytest.mark.wide
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
@pytest.mark.wide
def test_checkpoints_of_the_same_name_are_reported_before_anything_is_handed_over(
    container, run, truenas, base, check_mode
):
    container(**{"from": "base@ready"})
    run(pixels_checkpoint, name="new", label="ready")

    result = container("base", state="absent", clones="promote", check_mode=check_mode)

    assert "new has checkpoints of the same names: delete ready on one side" in result["msg"]
    assert base.status == "RUNNING"


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_held_checkpoint_is_reported_before_the_pixel_is_stopped(container, truenas, base, check_mode):
    truenas.world.storage.hold(f"{BASE}@ready")

    result = container("base", state="absent", check_mode=check_mode)

    assert "held checkpoints, and there are ready" in result["msg"]
    assert base.status == "RUNNING"


@pytest.mark.wide
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


@pytest.mark.wide
def test_where_all_of_them_are_deleted_together_there_is_no_conflict(container, run, truenas, base):
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
# Fleets use the same plan.
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


# the snapshot of the current state


def origins(truenas):
    return [each.label for each in truenas.world.storage.zfs.of(BASE) if each.label.startswith("px-clone-")]


@pytest.mark.parametrize("fault", ["fail", "drop_before_call", "drop_before_reply", "restart_middleware"])
@pytest.mark.parametrize("method", ["{snapshot}.delete", "virt.instance.delete"])
@pytest.mark.wide
def test_the_snapshot_of_a_clone_of_the_present_state_goes_with_it_after_each_failure(
    container, truenas, base, method, fault
):
    container(**{"from": "base"}, wait="running")
    assert origins(truenas) == ["px-clone-new"]
    strike(truenas, fault, method.format(snapshot=truenas.world.release.snapshot_service))

    container(state="absent")
    truenas.faults.clear()
    container(state="absent")

    assert "px-new" not in truenas.world.containers
    assert origins(truenas) == []


@pytest.mark.wide
def test_the_snapshot_goes_with_the_clone_where_the_controller_is_killed_as_that_is_deleted(container, truenas, base):
    container(**{"from": "base"}, wait="running")
    destroying = Nas(truenas).attempt(pixels_container, {"name": "new", "state": "absent"}, kill_at=2)

    assert destroying.killed
    assert destroying.changes[-1].method == "virt.instance.delete"
    assert "px-new" not in truenas.world.containers
    assert origins(truenas) == []
