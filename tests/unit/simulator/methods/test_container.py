# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the life cycle of a container through container.* of TrueNAS 26."""

from __future__ import annotations

import asyncio
import typing as t

import pytest

from tests.simulator.domain import Domain
from tests.simulator.domain_rules import WRONG_NAME
from tests.simulator.errors import CallError, GenericError, InstanceNotFound, ValidationErrors
from tests.simulator.registry import REGISTRY
from tests.simulator.releases import HALFMOON, HALFMOON_BETA, LIBVIRT_HAS
from tests.unit.simulator.nas import Faults, Nas

ON = LIBVIRT_HAS
on_beta = pytest.mark.parametrize("nas", [HALFMOON_BETA.name], indirect=True)
on_candidate = pytest.mark.parametrize("nas", [HALFMOON.name], indirect=True)

UBUNTU = "ubuntu:noble:amd64:default"
NEWEST = "20250601_05:24"
WEB: dict[str, t.Any] = {"name": "px-web", "image": {"name": UBUNTU, "version": NEWEST}}
DATASET = "tank/.truenas_containers/containers/px-web"


def create(nas: Nas, **details: t.Any) -> t.Any:
    return nas.call("container.create", {**WEB, **details})


def add(nas: Nas, name: str = "px-web", status: str = "RUNNING") -> Domain:
    nas.add(name, status)
    return nas.world.domains[name]


def status(nas: Nas, id: int) -> t.Any:
    return nas.call("container.get_instance", id)["status"]


def reported_states(nas: Nas) -> list[tuple[str, t.Any]]:
    """Return the kind of each event, and the state in it."""
    return [(msg, fields["status"]["state"] if fields else None) for _collection, msg, _id, fields in nas.events]


# which methods


def test_incus_and_libvirt_are_never_on_the_same_nas(nas: Nas, make_nas: t.Callable[..., Nas]) -> None:
    older = make_nas("25.10")

    services = {name.partition(".")[0] for name in REGISTRY.methods["26"]}
    assert {"container", "lxc"} <= services
    assert not services & {"virt"}
    assert not nas.has("zfs.snapshot.query")
    assert not older.has("container.query")
    assert not older.has("lxc.config")
    assert not older.has("zfs.resource.snapshot.query")


@pytest.mark.parametrize("name", ["restart", "suspend", "exec", "clone", "rename"])
def test_what_does_not_exist(nas: Nas, name: str) -> None:
    assert not nas.has(f"container.{name}")


# create


def test_a_new_container_is_there_and_never_started(nas: Nas) -> None:
    row = create(nas)

    assert row["status"] == {"state": "STOPPED", "pid": None, "domain_state": None}
    assert (row["autostart"], row["devices"], row["default_network"]) == (True, [], "truenasbr0")
    assert (row["dataset"], row["idmap"], row["shutdown_timeout"]) == (DATASET, {"type": "DEFAULT"}, 90)
    assert nas.world.storage.zfs.exists(DATASET)
    assert reported_states(nas) == [("added", "STOPPED")]


def test_its_dataset_is_a_clone_of_the_images(nas: Nas) -> None:
    create(nas)

    origin = nas.world.storage.zfs.datasets[DATASET].origin
    assert origin == f"tank/.truenas_containers/images/{UBUNTU}:{NEWEST}@image"


def test_rows_keep_the_order_of_the_model(nas: Nas) -> None:
    assert list(create(nas)) == [
        *("id", "uuid", "name", "description", "devices", "cpuset", "autostart", "time", "shutdown_timeout", "dataset"),
        *("init", "initdir", "initenv", "inituser", "initgroup", "idmap", "capabilities_policy", "capabilities_state"),
        *("default_network", "status"),
    ]


def test_an_image_is_pulled_once(nas: Nas) -> None:
    create(nas)
    pulled = list(nas.progress)
    nas.progress.clear()

    create(nas, name="px-db")

    assert pulled[0] == "Connecting to image repository..."
    assert "Extracting image files..." in pulled
    assert pulled[-1] == "Image pull completed successfully"
    assert nas.progress == []


def test_what_was_sent_is_kept(nas: Nas) -> None:
    details = {
        "description": "the web",
        "cpuset": "0-3,6",
        "autostart": False,
        "time": "UTC",
        "shutdown_timeout": 5,
        "init": "/bin/init --quiet",
        "initenv": {"A": "b"},
        "idmap": None,
        "capabilities_policy": "ALLOW",
        "capabilities_state": {"sys_time": False},
        "uuid": "3f0c3c1e-6d55-4c8e-9a55-0f1f3f7a9a10",
    }

    row = create(nas, **details)

    assert {key: row[key] for key in details} == details


def test_without_a_slice_the_lowest_free_one_is_taken(nas: Nas) -> None:
    create(nas, name="px-a", idmap={"type": "ISOLATED", "slice": 1})

    row = create(nas, idmap={"type": "ISOLATED", "slice": None})

    assert row["idmap"] == {"type": "ISOLATED", "slice": 2}


def test_numbers_do_not_come_back(nas: Nas) -> None:
    first = create(nas)["id"]
    nas.call("container.delete", first)

    second = create(nas)["id"]

    assert second > first
    assert isinstance(nas.refusal("container.get_instance", first), InstanceNotFound)


def test_any_pool_will_do_and_is_prepared(nas: Nas) -> None:
    row = create(nas, pool="fast")

    assert row["dataset"] == "fast/.truenas_containers/containers/px-web"
    assert nas.world.storage.zfs.exists("fast/.truenas_containers/images")


def test_everything_that_is_wrong_is_reported_together(nas: Nas) -> None:
    add(nas)
    details = {"pool": "nope", "cpuset": "3-1", "capabilities_state": {"foo": True, "chown": True}}

    error = nas.refusal("container.create", {**WEB, **details, "image": {"name": "nope", "version": "1"}})

    assert isinstance(error, ValidationErrors)
    assert error.triples == [
        ("container_create.capabilities_state", "Invalid capabilities: foo", 22),
        ("container_create.cpuset", "Invalid cpuset format: End of range has to greater that start: 3-1", 22),
        ("container_create.name", "A container with this name already exists.", 17),
        ("container_create.pool", "Pool not found.", 22),
    ]


@pytest.mark.parametrize(
    ("details", "triple"),
    [
        ({"name": "px_web"}, ("container_create.name", WRONG_NAME, 22)),
        (
            {"image": {"name": "nope", "version": NEWEST}},
            ("container_create.image.name", "Image does not exist in the registry.", 22),
        ),
        (
            {"image": {"name": UBUNTU, "version": "latest"}},
            ("container_create.image.version", "Version does not exist in the registry.", 22),
        ),
        ({"pool": "locked"}, ("container_create.pool", "Pool not found.", 22)),
        ({"memory": 2**30}, ("container_create.memory", "Extra inputs are not permitted", 22)),
        ({"devices": []}, ("container_create.devices", "Extra inputs are not permitted", 22)),
        (
            {"image": UBUNTU},
            (
                "container_create.image",
                "Input should be a valid dictionary or instance of ContainerCreateImage",
                22,
            ),
        ),
        ({"name": ""}, ("container_create.name", "String should have at least 1 character", 22)),
        (
            {"shutdown_timeout": 4},
            ("container_create.shutdown_timeout", "Input should be greater than or equal to 5", 22),
        ),
        ({"time": "CET"}, ("container_create.time", "Input should be 'LOCAL' or 'UTC'", 22)),
        (
            {"idmap": {"type": "ISOLATED", "slice": 1000}},
            ("container_create.idmap.ISOLATED.slice", "Input should be less than 1000", 22),
        ),
        (
            {"uuid": "00000000-0000-1000-8000-000000000000"},
            ("container_create.uuid", "Value error, UUID is not valid version 4", 22),
        ),
    ],
)
def test_what_is_refused_leaves_nothing_behind(nas: Nas, details: dict[str, t.Any], triple: t.Any) -> None:
    nas.world.pools["locked"] = type(nas.world.pools["tank"])("locked", locked=True)

    error = nas.refusal("container.create", {**WEB, **details})

    assert isinstance(error, ValidationErrors)
    assert error.triples == [triple]
    assert nas.world.containers == {}
    assert not nas.world.storage.zfs.exists(DATASET)


def test_without_a_preferred_pool_one_must_be_named(nas: Nas) -> None:
    nas.world.default_pool = None

    [triple] = nas.refusal("container.create", WEB).triples

    text = "Either configure a preferred pool in lxc settings or provide a pool name."
    assert triple == ("container_create.pool", text, 22)
    assert create(nas, pool="tank")["name"] == "px-web"


# query


def test_a_container_is_found_by_its_name_its_state_or_its_number(nas: Nas) -> None:
    web, db = add(nas), add(nas, "px-db", "STOPPED")

    by_name = nas.call("container.query", [["name", "=", "px-db"]])
    running = nas.call("container.query", [["status.state", "=", "RUNNING"]])

    assert [row["id"] for row in by_name] == [db.id]
    assert [row["id"] for row in running] == [web.id]
    assert nas.call("container.get_instance", web.id)["name"] == "px-web"
    assert nas.call("container.query", [], {"count": True}) == 2


@pytest.mark.parametrize("name", ["get_instance", "start", "stop", "delete"])
def test_a_number_without_a_user_is_not_found(nas: Nas, name: str) -> None:
    error = nas.refusal(f"container.{name}", 99)

    assert error.triples == [(None, "Container 99 does not exist", 2)]
    assert str(error) == "[ENOENT] None: Container 99 does not exist"


@pytest.mark.parametrize("name", ["get_instance", "start", "stop", "delete"])
def test_a_name_is_no_number(nas: Nas, name: str) -> None:
    error = nas.refusal(f"container.{name}", "px-web")

    assert error.triples == [("id", "Input should be a valid integer", 22)]


def test_the_registry_offers_every_architecture_and_no_vms(nas: Nas) -> None:
    offered = {
        each["name"]: [one["version"] for one in each["versions"]]
        for each in nas.call("container.image.query_registry")
    }

    assert offered[UBUNTU] == ["20250531_05:24", NEWEST]
    assert "ubuntu:noble:arm64:default" in offered
    assert "ubuntu:noble:amd64:desktop" not in offered


def test_the_registry_takes_no_arguments(nas: Nas) -> None:
    [triple] = nas.refusal("container.image.query_registry", []).triples

    assert triple == ("", "Too many arguments (expected 0, found 1)", 22)


def test_locked_pools_are_not_offered(nas: Nas) -> None:
    nas.world.pools["fast"].locked = True

    assert nas.call("container.pool_choices") == {"tank": "tank"}


# start


def test_a_start_returns_once_it_runs_and_before_it_has_an_address(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas("26", address_seconds=60.0)
    web = add(nas, status="STOPPED")

    assert nas.call("container.start", web.id) is None

    assert status(nas, web.id) == {"state": "RUNNING", "pid": web.pid, "domain_state": "RUNNING"}
    assert web.aliases == []


def test_a_start_is_reported_by_changes_only(nas: Nas) -> None:
    web = add(nas, status="STOPPED")

    nas.call("container.start", web.id)

    assert reported_states(nas) == [("changed", "STOPPED"), ("changed", "RUNNING")]
    assert {(collection, id) for collection, _msg, id, _fields in nas.events} == {("container.query", web.id)}


def test_each_start_has_another_pid(nas: Nas) -> None:
    web = add(nas)
    before = web.pid

    nas.call("container.stop", web.id, {"force": True})
    nas.call("container.start", web.id)

    assert web.pid not in (None, before)


def test_a_running_container_is_refused_with_another_message_the_second_time(nas: Nas) -> None:
    web = add(nas)

    first, second = (nas.refusal("container.start", web.id) for _time in range(2))

    text = "Domain 'px-web' is already started (<DomainState.RUNNING: 'RUNNING'>)."
    assert str(first) == (text if nas.release is HALFMOON_BETA else f"[EFAULT] {text}")
    assert isinstance(second, GenericError)
    assert str(second) == "Requested operation is not valid: Domain is already running"
    assert web.status == "RUNNING"


def test_a_container_without_its_dataset_cannot_start(nas: Nas) -> None:
    web = add(nas, status="STOPPED")
    nas.run(nas.world.storage.destroy(DATASET))

    error = nas.refusal("container.start", web.id)

    assert (str(error), error.errno) == (f"[ENOTDIR] Dataset '{DATASET}' not found", 20)


def test_a_container_whose_bridge_is_gone_cannot_start(nas: Nas) -> None:
    web = add(nas, status="STOPPED")
    attributes = {"dtype": "NIC", "nic_attach": "eno2"}
    nas.call("container.device.create", {"container": web.id, "attributes": attributes})
    del nas.world.interfaces["eno2"]

    error = nas.refusal("container.start", web.id)

    text = "Cannot start domain 'px-web':\ndevice.eno2: Device eno2 is not available"
    assert str(error) == (text if nas.release is HALFMOON_BETA else f"[EFAULT] {text}")
    assert web.status == "STOPPED"


def test_each_start_writes_the_name_of_the_container(nas: Nas) -> None:
    web = add(nas, status="STOPPED")
    hosts = b"127.0.0.1 localhost\n127.0.1.1 old\n"
    nas.run(nas.engine.write_file("px-web", "/etc/hosts", hosts, append=False, mode=None, uid=0, gid=0))

    nas.call("container.start", web.id)

    assert nas.run(nas.engine.read_file("px-web", "/etc/hostname")) == b"px-web\n"
    assert nas.run(nas.engine.read_file("px-web", "/etc/hosts")) == b"127.0.0.1 localhost\n127.0.1.1 px-web\n"


def test_one_container_starts_at_a_time(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas("26", start_seconds=0.02)
    numbers = [add(nas, name, "STOPPED").id for name in ("px-a", "px-b")]

    async def both() -> list[str]:
        calls = [asyncio.create_task(nas.calling("container.start", number)) for number in numbers]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        running = [name for name, domain in nas.world.domains.items() if domain.status == "RUNNING"]
        await asyncio.gather(*calls)
        return running

    assert len(nas.run(both())) == 1
    assert {domain.status for domain in nas.world.domains.values()} == {"RUNNING"}


# stop


@pytest.mark.parametrize("options", [{}, {"force": True}, {"force_after_timeout": True}])
def test_a_stop_takes_pid_and_addresses_away(nas: Nas, options: dict[str, bool]) -> None:
    web = add(nas)

    assert nas.call("container.stop", web.id, options) is None

    assert status(nas, web.id) == {"state": "STOPPED", "pid": None, "domain_state": "SHUTOFF"}
    assert web.aliases == []
    assert reported_states(nas) == [("changed", "STOPPED")]


def test_a_stop_succeeds_without_stopping_a_container_that_does_not_listen(nas: Nas) -> None:
    web = add(nas)
    nas.world.faults = Faults("stop_times_out")

    assert nas.call("container.stop", web.id) is None

    assert status(nas, web.id)["state"] == "RUNNING"
    assert nas.events == []


def test_a_container_that_does_not_listen_is_killed_in_the_end_if_wanted(nas: Nas) -> None:
    web = add(nas)
    nas.world.faults = Faults("stop_times_out")

    nas.call("container.stop", web.id, {"force_after_timeout": True})

    assert status(nas, web.id)["state"] == "STOPPED"


def test_a_container_that_needs_longer_than_its_timeout_goes_on_running(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas("26", stop_seconds=60.0)
    web = add(nas)
    web.shutdown_timeout = 0

    left = nas.call("container.stop", web.id), status(nas, web.id)["state"]
    killed = nas.call("container.stop", web.id, {"force_after_timeout": True}), status(nas, web.id)["state"]

    assert left == (None, "RUNNING")
    assert killed == (None, "STOPPED")


def test_a_kill_requires_no_reply(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas("26", stop_seconds=60.0)
    web = add(nas)
    nas.world.faults = Faults("stop_times_out")

    nas.call("container.stop", web.id, {"force": True})

    assert status(nas, web.id)["state"] == "STOPPED"


def test_stops_of_what_does_not_run_are_refused(nas: Nas) -> None:
    web = add(nas, status="STOPPED")
    never = nas.refusal("container.stop", web.id)
    nas.call("container.start", web.id)
    nas.call("container.stop", web.id)

    again = nas.refusal("container.stop", web.id)

    assert (str(never), never.kind) == ("Domain 'px-web' does not exist", "DomainDoesNotExistError")
    assert (str(again), again.kind) == ("Domain 'px-web' is not active", "Error")


def test_a_stop_has_no_timeout_of_its_own(nas: Nas) -> None:
    [triple] = nas.refusal("container.stop", add(nas).id, {"timeout": 5}).triples

    assert triple == ("options.timeout", "Extra inputs are not permitted", 22)


# update


def test_only_what_was_sent_is_changed_and_reported(nas: Nas) -> None:
    web = add(nas)

    row = nas.call("container.update", web.id, {"shutdown_timeout": 7, "cpuset": None})

    assert (row["shutdown_timeout"], row["cpuset"], row["name"]) == (7, None, "px-web")
    assert reported_states(nas) == [("changed", "RUNNING")]


@pytest.mark.parametrize("key", ["pool", "image", "idmap"])
def test_what_only_create_knows_cannot_be_changed(nas: Nas, key: str) -> None:
    [triple] = nas.refusal("container.update", add(nas).id, {key: None}).triples

    assert triple == (f"container_update.{key}", "Extra inputs are not permitted", 22)


def test_a_new_uuid_is_made_where_null_is_sent(nas: Nas) -> None:
    web = add(nas)
    before = web.uuid

    after = nas.call("container.update", web.id, {"uuid": None})["uuid"]

    assert after not in (None, before)


def test_a_stopped_container_is_renamed_with_its_dataset_and_snapshots(nas: Nas) -> None:
    web = add(nas, status="STOPPED")
    nas.snapshot("px-web", "base")

    row = nas.call("container.update", web.id, {"name": "px-new"})

    new = "tank/.truenas_containers/containers/px-new"
    assert (row["id"], row["name"], row["dataset"]) == (web.id, "px-new", new)
    assert list(nas.world.containers) == ["px-new"]
    assert list(nas.world.snapshots)[-1] == f"{new}@base"
    assert not nas.world.storage.zfs.exists(DATASET)
    assert nas.call("container.start", web.id) is None


def test_a_running_container_keeps_its_name(nas: Nas) -> None:
    error = nas.refusal("container.update", add(nas).id, {"name": "px-new"})

    assert isinstance(error, CallError)
    assert str(error) == "[EFAULT] Container must be stopped before renaming."


def test_a_name_belongs_to_one_container(nas: Nas) -> None:
    web = add(nas, status="STOPPED")
    add(nas, "px-db")

    [triple] = nas.refusal("container.update", web.id, {"name": "px-db"}).triples

    assert triple == ("container_update.name", "A container with this name already exists.", 17)
    assert nas.call("container.update", web.id, {"name": "px-web"})["name"] == "px-web"


# delete


def test_a_container_goes_with_its_dataset(nas: Nas) -> None:
    web = add(nas, status="STOPPED")

    assert nas.call("container.delete", web.id) is None

    assert nas.world.containers == {}
    assert not nas.world.storage.zfs.exists(DATASET)
    assert nas.events == [("container.query", "removed", web.id, None)]


@on_beta
def test_a_running_container_is_killed_without_a_question(nas: Nas) -> None:
    web = add(nas)

    nas.call("container.delete", web.id)

    assert nas.world.containers == {}
    assert not nas.world.storage.zfs.exists(DATASET)


@on_beta
@pytest.mark.parametrize("what", ["snapshots", "children"])
def test_what_is_not_empty_loses_its_container_and_stays_an_orphan(nas: Nas, what: str) -> None:
    web = add(nas)
    if what == "snapshots":
        nas.snapshot("px-web", "base")
    else:
        nas.world.storage.zfs.add(f"{DATASET}/below")

    error = nas.refusal("container.delete", web.id)

    text = f"'{DATASET}' has {what}. Set recursive=True to remove them."
    assert error.triples == [("zfs.resource.destroy", text, 39)]
    assert nas.world.containers == {}
    assert nas.world.storage.zfs.exists(DATASET)


@on_beta
def test_an_orphan_has_its_name_until_it_is_destroyed(nas: Nas) -> None:
    web = add(nas)
    nas.snapshot("px-web", "base")
    nas.refusal("container.delete", web.id)

    error = nas.refusal("container.create", WEB)
    nas.call("zfs.resource.destroy", {"path": DATASET, "recursive": True})

    assert (str(error), error.kind) == (f"'{DATASET}' already exists", "ZFSPathAlreadyExistsException")
    assert create(nas)["name"] == "px-web"


@on_beta
def test_with_its_snapshots_gone_a_container_can_go(nas: Nas) -> None:
    web = add(nas)
    [base] = nas.snapshot("px-web", "base")

    nas.call("pool.snapshot.delete", base)

    assert nas.call("container.delete", web.id) is None


@on_beta
def test_a_busy_dataset_stays_behind_without_a_report(nas: Nas) -> None:
    web = add(nas)
    nas.world.faults = Faults("busy_delete")

    assert nas.call("container.delete", web.id) is None

    assert nas.world.storage.zfs.exists(DATASET)


@on_beta
def test_delete_has_no_options_yet(nas: Nas) -> None:
    web = add(nas)

    [triple] = nas.refusal("container.delete", web.id, {"force": True}).triples

    assert triple == ("", "Too many arguments (expected 1, found 2)", 22)
    assert "px-web" in nas.world.containers


@on_candidate
def test_a_candidate_asks_before_it_kills(nas: Nas) -> None:
    web = add(nas)

    [triple] = nas.refusal("container.delete", web.id).triples

    text = "Container 'px-web' is running. Stop it first, or pass force=True to stop and delete it."
    assert triple == ("container_delete.force", text, 16)
    assert web.status == "RUNNING"
    assert nas.call("container.delete", web.id, {"force": True}) is None
    assert (nas.world.containers, nas.world.storage.zfs.exists(DATASET)) == ({}, False)


@on_candidate
@pytest.mark.parametrize("below", [False, True])
def test_a_candidate_asks_before_it_destroys_what_is_not_empty(nas: Nas, below: bool) -> None:
    web = add(nas, status="STOPPED")
    [base] = nas.snapshot("px-web", "base")
    nas.world.storage.hold(base)
    nas.run(nas.world.storage.clone(base, "tank/copy"))
    if below:
        nas.world.storage.zfs.add(f"{DATASET}/below")

    [triple] = nas.refusal("container.delete", web.id, {"force": True}).triples

    found = "child datasets" if below else "1 snapshot(s)"
    text = f"Container 'px-web' dataset '{DATASET}' has {found}. Set `recursive` to delete the container together with"
    assert triple == ("container_delete.recursive", f"{text} them.", 39)
    assert nas.events == []
    # It takes clones and what is held along.
    assert nas.call("container.delete", web.id, {"recursive": True}) is None
    assert not nas.world.storage.zfs.exists("tank/copy")
    assert nas.events == [("container.query", "removed", web.id, None)]


@on_candidate
def test_a_candidate_keeps_the_row_of_what_it_cannot_destroy_and_deletes_that_of_what_is_gone(nas: Nas) -> None:
    web = add(nas, status="STOPPED")
    nas.world.faults = Faults("busy_delete")

    error = nas.refusal("container.delete", web.id)

    assert str(error).startswith("[EFAULT] Failed to delete container 'px-web' dataset: ")
    assert list(nas.world.containers) == ["px-web"]
    nas.run(nas.world.storage.destroy(DATASET))
    assert nas.call("container.delete", web.id) is None
    assert nas.world.containers == {}


# suspended in a shell of the NAS: no method does that, and none resumes


def test_what_is_suspended_is_not_stopped_by_asking(nas: Nas) -> None:
    web = add(nas)
    web.show_suspended()

    nas.call("container.stop", web.id, {"force_after_timeout": True})

    assert status(nas, web.id) == {"state": "SUSPENDED", "pid": web.pid, "domain_state": "PAUSED"}
    nas.call("container.stop", web.id, {"force": True})
    assert status(nas, web.id)["state"] == "STOPPED"


def test_what_is_suspended_counts_as_started(nas: Nas) -> None:
    web = add(nas)
    web.show_suspended()

    error = nas.refusal("container.start", web.id)

    assert "Domain 'px-web' is already started (<DomainState.PAUSED: 'PAUSED'>)." in str(error)


def test_what_is_suspended_is_renamed_and_deleted_by_a_beta_only(nas: Nas) -> None:
    web = add(nas)
    web.show_suspended()
    calls = [("container.update", web.id, {"name": "px-new"}), ("container.delete", web.id)]

    if nas.release is HALFMOON_BETA:
        for each in calls:
            nas.call(*each)
        assert nas.world.containers == {}
    else:
        refused = [str(nas.refusal(*each)) for each in calls]
        assert "Container must be stopped before renaming." in refused[0]
        assert "Container 'px-web' is suspended. Stop it first" in refused[1]


# the rest


def test_there_is_nothing_to_migrate(nas: Nas) -> None:
    error = nas.refusal("container.migrate")

    assert str(error) == "[EFAULT] Legacy containers configuration pool is not set."


def test_create_and_stop_are_jobs_with_locks_and_the_others_are_not_and_delete_is_one_since_the_candidate() -> None:
    names = ("create", "stop", "start", "update", "delete")
    methods = {name: REGISTRY.methods["26"][f"container.{name}"] for name in names}
    of_beta = {name: REGISTRY.methods[HALFMOON_BETA.name][f"container.{name}"] for name in names}

    assert [name for name, method in of_beta.items() if method.job] == ["create", "stop"]
    assert [name for name, method in methods.items() if method.job] == ["create", "stop", "delete"]
    assert methods["delete"].lock is not None
    assert methods["delete"].lock(7, {}) == "container_delete:7"
    assert methods["create"].lock is not None
    assert methods["create"].lock(WEB) == "container_create:px-web"
    assert methods["stop"].lock is not None
    assert methods["stop"].lock(7, {}) == "container_stop_7"


def test_roles_are_those_of_the_service() -> None:
    methods = REGISTRY.methods["26"]

    assert methods["container.query"].roles == ("CONTAINER_READ", "CONTAINER_WRITE")
    assert methods["container.start"].roles == ("CONTAINER_WRITE",)
    assert methods["container.image.query_registry"].roles == ("CONTAINER_IMAGE_WRITE",)
    assert methods["container.device.create"].roles == ("CONTAINER_DEVICE_WRITE",)
    assert methods["lxc.update"].roles == ("LXC_CONFIG_WRITE",)
