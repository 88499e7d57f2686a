# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the life cycle of a container through virt.instance.*."""

from __future__ import annotations

import asyncio
import typing as t

import pytest

from tests.simulator.errors import CallError, GenericError, InstanceNotFound, ValidationErrors
from tests.simulator.instance import MIB
from tests.simulator.releases import INCUS_HAS
from tests.unit.simulator.nas import Faults, Nas

ON = INCUS_HAS

WEB = {"name": "px-web", "image": "ubuntu/24.04", "autostart": False}


def create(nas: Nas, **details: t.Any) -> t.Any:
    return nas.call("virt.instance.create", {**WEB, **details})


# create


def test_a_new_container_is_there_and_stopped(nas: Nas) -> None:
    row = create(nas)

    assert row["status"] == "STOPPED"
    assert row["autostart"] is False
    assert row["userns_idmap"] is None
    assert row["aliases"] == []
    assert row["image"]["release"] == "noble"
    assert row["storage_pool"] == "tank"
    assert nas.world.storage.zfs.exists("tank/.ix-virt/containers/px-web")


def test_creating_says_how_far_it_is_and_stays_at_zero_percent(nas: Nas) -> None:
    create(nas)

    assert nas.progress[0] == "rootfs: 37% (12.34MB/s)"
    assert nas.progress[-1] == "Unpacking image: 80%"
    assert nas.job is not None
    assert nas.job.progress["percent"] == 0


def test_autostart_starts_it_and_the_event_of_the_start_comes_first(nas: Nas) -> None:
    row = create(nas, autostart=True)

    assert (row["status"], row["autostart"]) == ("RUNNING", True)
    assert [(msg, fields.keys() == {"status"}) for _collection, msg, _id, fields in nas.events] == [
        ("changed", True),
        ("added", False),
    ]


def test_autostart_null_is_neither_started_nor_remembered(nas: Nas) -> None:
    row = create(nas, autostart=None)

    assert (row["status"], row["autostart"]) == ("STOPPED", False)


def test_memory_is_floored_to_whole_mebibytes(nas: Nas) -> None:
    assert create(nas, memory=512 * MIB + 5)["memory"] == 512 * MIB


def test_everything_that_is_wrong_is_reported_together(nas: Nas) -> None:
    nas.add("px-web")

    error = nas.refusal("virt.instance.create", {**WEB, "storage_pool": "nope", "memory": 2**50, "cpu": "999"})

    assert isinstance(error, ValidationErrors)
    assert {attribute: text for attribute, text, _errno in error.triples} == {
        "virt_instance_create.storage_pool": "Not a valid ZFS pool",
        "virt_instance_create.name": "Name 'px-web' already exists",
        "virt_instance_create.memory": "Cannot reserve more than physical memory",
        "virt_instance_create.cpu": "Cannot reserve more than system cores",
    }


@pytest.mark.parametrize(
    ("details", "text"),
    [
        ({"name": "px_web"}, "Invalid instance name: Name can only contain alphanumeric and hyphen characters"),
        ({"name": "p" * 64}, "Invalid instance name: Name must be 1-63 characters long"),
        ({"name": "-web"}, 'Invalid instance name: Name must not start with "-" character'),
        ({"name": "web-"}, 'Invalid instance name: Name must not end with "-" character'),
        ({"name": "123"}, "Invalid instance name: Name cannot be a number"),
        ({"name": "a/b"}, 'The character "/" is reserved for snapshots'),
        (
            {"image": "nope"},
            "Failed getting remote image info: Failed getting image: The requested image couldn't be found",
        ),
        ({"image": "ubuntu/noble/desktop"}, "couldn't be found"),
        ({"image": "springdalelinux/9"}, "couldn't be found"),
        ({"cpu": "two"}, "Failed creating instance record: Invalid CPU limit syntax"),
        ({"storage_pool": "fast"}, "Storage pool not found"),
        ({"storage_pool": "[DISABLED]"}, "Storage pool not found"),
    ],
)
def test_what_incus_refuses_is_a_call_error_and_leaves_nothing_behind(
    nas: Nas, details: dict[str, t.Any], text: str
) -> None:
    error = nas.refusal("virt.instance.create", {**WEB, **details})

    assert isinstance(error, CallError)
    assert text in str(error)
    assert nas.world.containers == {}


@pytest.mark.parametrize("image", ["ubuntu/24.04", "ubuntu/noble", "ubuntu/noble/default", "debian/12"])
def test_any_alias_of_an_image_will_do(nas: Nas, image: str) -> None:
    assert create(nas, image=image)["name"] == "px-web"


def test_another_pool_is_used_once_it_is_a_storage_pool(nas: Nas) -> None:
    nas.call("virt.global.update", {"storage_pools": ["tank", "fast"]})

    assert create(nas, storage_pool="fast")["storage_pool"] == "fast"
    assert nas.world.storage.zfs.exists("fast/.ix-virt/containers/px-web")


def test_a_start_that_fails_leaves_the_new_container_behind(nas: Nas) -> None:
    nic = {"dev_type": "NIC", "nic_type": "MACVLAN", "parent": "nope"}

    error = nas.refusal("virt.instance.create", {**WEB, "autostart": True, "devices": [nic]})

    assert str(error).startswith("[EFAULT] Failed to start instance: ")
    assert nas.world.containers["px-web"].status == "STOPPED"


def test_an_image_that_needs_nesting_cannot_start(nas: Nas) -> None:
    create(nas, image="nixos/unstable")

    assert "requires nesting" in str(nas.refusal("virt.instance.start", "px-web"))


def test_creating_longer_than_the_middleware_waits_goes_on_in_incus(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas(create_seconds=0.05, create_limit=0.01)

    assert str(nas.refusal("virt.instance.create", WEB)) == "[EFAULT] Timed out"

    nas.wait_until(lambda: "px-web" in nas.world.containers)


def test_privileged_containers_came_with_25_10(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas("25.10")
    assert create(nas, privileged_mode=True)["privileged_mode"] is True
    nas.call("virt.instance.start", "px-web")
    assert nas.call("virt.instance.get_instance", "px-web")["userns_idmap"] == {"uid": None, "gid": None}

    error = make_nas("25.04").refusal("virt.instance.create", {**WEB, "privileged_mode": True})
    assert str(error) == "[EINVAL] virt_instance_create.privileged_mode: Extra inputs are not permitted\n"


@pytest.mark.parametrize("name", ["create", "update", "start", "restart", "delete"])
def test_nothing_goes_while_virtualization_is_not_initialized(nas: Nas, name: str) -> None:
    nas.world.state = "LOCKED"
    arguments: dict[str, tuple[t.Any, ...]] = {
        "create": (WEB,),
        "update": ("px-web", {}),
        "restart": ("px-web", {"force": True}),
    }

    error = nas.refusal(f"virt.instance.{name}", *arguments.get(name, ("px-web",)))

    assert str(error) == "[EFAULT] Virtualization not initialized."


# query


def test_rows_are_hidden_unless_initialized(nas: Nas) -> None:
    nas.add("px-web")
    assert [row["id"] for row in nas.call("virt.instance.query")] == ["px-web"]

    nas.world.state = "INITIALIZING"

    assert nas.call("virt.instance.query") == []
    assert len(nas.call("virt.instance.query", [], {"extra": {"skip_state": True}})) == 1
    assert isinstance(nas.refusal("virt.instance.get_instance", "px-web"), InstanceNotFound)


def test_a_container_that_is_not_there(nas: Nas) -> None:
    error = nas.refusal("virt.instance.get_instance", "nope")

    assert str(error) == "[ENOENT] None: VirtInstance nope does not exist"
    assert error.triples == [(None, "VirtInstance nope does not exist", 2)]


def test_rows_keep_the_order_of_the_model(nas: Nas) -> None:
    nas.add("px-web")
    newer = ["privileged_mode"] if nas.release.privileged_mode else []

    assert list(nas.call("virt.instance.get_instance", "px-web")) == [
        *("id", "name", "type", "status", "cpu", "memory", "autostart", "environment", "aliases", "image"),
        *("userns_idmap", "raw", "vnc_enabled", "vnc_port", "vnc_password", "secure_boot"),
        *newer,
        *("root_disk_size", "root_disk_io_bus", "storage_pool"),
    ]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([["name", "=", "px-a"]], ["px-a"]),
        ([["id", "=", "px-a"]], ["px-a"]),
        ([["name", "=", "px-c"]], []),
        ([["name", "=", "px-a"], ["status", "=", "STOPPED"]], []),
        ([["name", "=", "px-a"], ["name", "=", "px-b"]], []),
        ([["status", "=", "RUNNING"], ["name", "=", "px-a"]], ["px-a"]),
        ([["OR", [["name", "=", "px-a"], ["name", "=", "px-b"]]]], ["px-a", "px-b"]),
        ([["name", "=", None]], []),
        ([], ["px-a", "px-b"]),
    ],
)
def test_a_query_finds_what_its_conditions_say(nas: Nas, filters: list[t.Any], found: list[str]) -> None:
    for name in ("px-b", "px-a"):
        nas.add(name)

    assert [row["name"] for row in nas.call("virt.instance.query", filters)] == found


def test_raw_is_there_when_asked_for(nas: Nas) -> None:
    nas.add("px-web", environment={"A": "b"})

    raw = nas.call("virt.instance.get_instance", "px-web", {"extra": {"raw": True}})["raw"]

    assert raw["expanded_devices"]["root"]["pool"] == "tank"
    assert raw["expanded_devices"]["eth0"]["network"] == "incusbr0"
    assert raw["config"]["environment.A"] == "b"
    assert raw["config"]["boot.autostart"] == "false"
    assert raw["config"]["limits.memory"] == "2048MiB"
    assert "uid 568 568" in raw["config"]["raw.idmap"]
    assert raw["state"]["network"]["eth0"]["addresses"][0]["scope"] == "global"
    assert nas.call("virt.instance.get_instance", "px-web")["raw"] is None


def test_secrets_are_stars_for_readers_even_when_null(nas: Nas) -> None:
    nas.add("px-web")

    for roles in (("VIRT_INSTANCE_READ",), ("READONLY_ADMIN", "VIRT_INSTANCE_READ")):
        [row] = nas.call("virt.instance.query", roles=roles)
        assert (row["raw"], row["vnc_password"]) == ("********", "********")
    [row] = nas.call("virt.instance.query", roles=("VIRT_INSTANCE_WRITE",))
    assert (row["raw"], row["vnc_password"]) == (None, None)
    assert nas.call("virt.instance.query", [], {"count": True}, roles=("VIRT_INSTANCE_READ",)) == 1


def test_a_container_without_an_id_map_breaks_the_query_of_25_04(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas("25.04")
    nas.add("px-web").privileged = True

    for filters in ([], [["name", "=", "px-other"]]):
        error = nas.refusal("virt.instance.query", filters)

        assert isinstance(error, GenericError)
        assert "userns_idmap" in str(error)


def test_an_unknown_status_breaks_the_query_of_25_04(make_nas: t.Callable[..., Nas]) -> None:
    old, new = make_nas("25.04"), make_nas("25.10")
    for nas in (old, new):
        nas.add("px-web").status = "READY"

    assert "status" in str(old.refusal("virt.instance.query"))
    assert new.call("virt.instance.query")[0]["status"] == "READY"


# update


def test_only_what_was_sent_is_changed_and_the_environment_is_replaced(nas: Nas) -> None:
    nas.add("px-web", environment={"A": "1", "B": "2"})

    row = nas.call("virt.instance.update", "px-web", {"environment": {"C": "3"}, "memory": 600 * MIB + 1})

    assert row["environment"] == {"C": "3"}
    assert (row["cpu"], row["memory"]) == ("2", 600 * MIB)
    assert nas.events == [("virt.instance.query", "changed", "px-web", row)]


def test_null_clears_and_an_empty_change_is_fine(nas: Nas) -> None:
    nas.add("px-web", environment={"A": "1"}, autostart=True)

    row = nas.call(
        "virt.instance.update", "px-web", {"cpu": None, "memory": None, "environment": None, "autostart": None}
    )

    assert (row["cpu"], row["memory"], row["environment"], row["autostart"]) == (None, None, {}, True)
    assert nas.call("virt.instance.update", "px-web", {})["autostart"] is True


@pytest.mark.parametrize(
    ("change", "triple"),
    [
        ({"memory": 2**50}, ("virt_instance_update.memory", "Cannot reserve more than physical memory", 22)),
        ({"cpu": "999"}, ("virt_instance_update.cpu", "Cannot reserve more than system cores", 22)),
        (
            {"root_disk_size": 9},
            ("virt_instance_update.root_disk_size", "This attribute is not supported for containers", 22),
        ),
        (
            {"enable_vnc": True},
            ("virt_instance_update.enable_vnc", "This attribute is not supported for containers", 22),
        ),
        ({"secure_boot": True}, ("virt_instance_update.secure_boot", "Secure boot is only supported for VMs", 22)),
        ({"vnc_port": 5900}, ("virt_instance_update.enable_vnc", "Should be set when 'vnc_port' is specified", 22)),
    ],
)
def test_a_change_that_a_container_cannot_have_is_refused(
    nas: Nas, change: dict[str, t.Any], triple: tuple[str, str, int]
) -> None:
    nas.add("px-web")

    error = nas.refusal("virt.instance.update", "px-web", change)

    assert error.triples == [triple]


# start, stop, restart


def test_a_start_shows_addresses_only_later(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas(address_seconds=0.02)
    create(nas)

    assert nas.call("virt.instance.start", "px-web") is True

    started = nas.call("virt.instance.get_instance", "px-web")
    assert (started["status"], started["aliases"]) == ("RUNNING", [])
    assert started["userns_idmap"]["uid"] == {"hostid": 2147000001, "maprange": 568, "nsid": 0}
    nas.wait_until(lambda: nas.world.containers["px-web"].aliases != [])
    [alias] = nas.call("virt.instance.get_instance", "px-web")["aliases"]
    assert alias["type"] == "INET"
    assert nas.events[-1] == ("virt.instance.query", "changed", "px-web", {"status": "RUNNING"})


def test_addresses_of_an_earlier_start_do_not_appear_later(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas(address_seconds=0.02)
    create(nas)

    nas.call("virt.instance.start", "px-web")
    nas.call("virt.instance.stop", "px-web", {"force": True})
    nas.wait(0.05)

    row = nas.call("virt.instance.get_instance", "px-web")
    assert (row["status"], row["aliases"]) == ("STOPPED", [])
    assert row["userns_idmap"] is not None


def test_a_start_of_a_running_container_points_to_the_log(nas: Nas) -> None:
    nas.add("px-web")

    error = nas.refusal("virt.instance.start", "px-web")

    assert str(error) == ("[EFAULT] Failed to start instance: The instance is already running. Please check job logs.")
    assert nas.job is not None
    nas.job.fail(error)
    nas.job.close()
    assert len(nas.job.row(raw_result=True)["logs_excerpt"].splitlines()) == 10


def test_a_frozen_container_may_not_be_started_or_restarted(nas: Nas) -> None:
    nas.add("px-web").status = "FROZEN"

    start = nas.refusal("virt.instance.start", "px-web")
    restart = nas.refusal("virt.instance.restart", "px-web", {"force": True})

    text = "px-web: instance may not be started because current status is: FROZEN"
    assert start.triples == [("virt.instance.start.id", text, 22)]
    assert restart.triples[0][0] == "virt.instance.restart.px-web"


def test_a_container_without_its_dataset_cannot_start(nas: Nas) -> None:
    nas.add("px-web", "STOPPED")
    nas.call("zfs.dataset.delete", "tank/.ix-virt/containers/px-web", {"recursive": True})

    assert "dataset does not exist" in str(nas.refusal("virt.instance.start", "px-web"))


def test_a_stop_takes_the_addresses_away(nas: Nas) -> None:
    instance = nas.add("px-web")

    assert nas.call("virt.instance.stop", "px-web", {"timeout": 30}) is True

    assert (instance.status, instance.aliases) == ("STOPPED", [])
    assert nas.events == [("virt.instance.query", "changed", "px-web", {"status": "STOPPED"})]


@pytest.mark.parametrize("arguments", [(), ({},), ({"timeout": -1},)])
def test_a_stop_needs_a_timeout_or_force(nas: Nas, arguments: tuple[t.Any, ...]) -> None:
    error = nas.refusal("virt.instance.stop", "px-web", *arguments)

    assert error.triples == [("", "Value error, Timeout should be set if force is disabled", 22)]


def test_stops_that_incus_refuses(nas: Nas) -> None:
    nas.add("px-web", "STOPPED")

    assert (
        str(nas.refusal("virt.instance.stop", "px-web", {"force": True})) == "[EFAULT] The instance is already stopped"
    )
    assert str(nas.refusal("virt.instance.stop", "nope", {"force": True})) == (
        '[EFAULT] Failed to fetch instance "nope" in project "default": Instance not found'
    )
    nas.world.default_pool = None
    assert str(nas.refusal("virt.instance.stop", "px-web", {"force": True})) == (
        "[EFAULT] Virtualization service not started."
    )


def test_a_guest_that_does_not_stop_in_time_keeps_running_until_it_is_forced(nas: Nas) -> None:
    instance = nas.add("px-web")
    nas.world.faults = Faults("stop_times_out")

    error = nas.refusal("virt.instance.stop", "px-web", {"timeout": 1})

    assert str(error) == ('[EFAULT] Failed shutting down instance, status is "Running": context deadline exceeded')
    assert instance.status == "RUNNING"
    assert nas.call("virt.instance.stop", "px-web", {"force": True})


def test_a_timeout_of_zero_is_a_forced_stop(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas(stop_seconds=60)
    instance = nas.add("px-web")

    nas.call("virt.instance.stop", "px-web", {"timeout": 0})

    assert instance.status == "STOPPED"


def test_a_stop_longer_than_the_middleware_waits_goes_on_and_the_container_is_busy(
    make_nas: t.Callable[..., Nas],
) -> None:
    nas = make_nas(stop_seconds=0.5, operation_limit=0.01)
    instance = nas.add("px-web")

    assert str(nas.refusal("virt.instance.stop", "px-web", {"timeout": 600})) == "[EFAULT] Timed out"
    assert 'Instance is busy running a "stop" operation' in str(nas.refusal("virt.instance.update", "px-web", {}))
    assert "The instance is already running" in str(nas.refusal("virt.instance.start", "px-web"))

    nas.wait_until(lambda: instance.status == "STOPPED")


@pytest.mark.parametrize("second", [{"timeout": 30}, {"force": True}])
def test_a_stop_that_timed_out_goes_on_unseen_and_another_one_is_taken(
    make_nas: t.Callable[..., Nas], second: dict[str, t.Any]
) -> None:
    nas = make_nas(stop_seconds=1.2)
    instance = nas.add("px-web")

    nas.refusal("virt.instance.stop", "px-web", {"timeout": 1})

    [row] = nas.call("virt.instance.query", [["name", "=", "px-web"]], {})
    assert (row["status"], instance.status) == ("UNKNOWN", "RUNNING")
    assert 'busy running a "stop" operation' in str(nas.refusal("virt.instance.update", "px-web", {}))
    assert nas.refusal("virt.instance.start", "px-web").triples == [
        ("virt.instance.start.id", "px-web: instance may not be started because current status is: UNKNOWN", 22)
    ]
    assert nas.call("virt.instance.stop", "px-web", second) is True
    assert instance.status == "STOPPED"
    assert nas.call("virt.instance.start", "px-web") is True


def test_a_container_shows_no_status_for_a_moment_after_its_stop_has_succeeded(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas(unknown_seconds=0.1)
    instance = nas.add("px-web")

    nas.call("virt.instance.stop", "px-web", {"timeout": 30})

    assert nas.call("virt.instance.get_instance", "px-web")["status"] == "UNKNOWN"
    assert "current status is: UNKNOWN" in str(nas.refusal("virt.instance.start", "px-web"))
    nas.wait_until(lambda: instance.shows is None)
    assert nas.call("virt.instance.get_instance", "px-web")["status"] == "STOPPED"


def test_a_stop_that_the_guest_did_not_hear_of_keeps_incus_busy_for_a_while(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas(busy_seconds=0.1)
    instance = nas.add("px-web")
    nas.world.faults = Faults("stop_times_out")

    nas.refusal("virt.instance.stop", "px-web", {"timeout": 1})

    text = 'Instance is busy running a "stop" operation'
    assert text in str(nas.refusal("virt.instance.restart", "px-web", {"timeout": 30}))
    nas.wait_until(lambda: instance.busy is None)
    assert nas.call("virt.instance.update", "px-web", {})["status"] == "RUNNING"


def test_a_restart_stops_and_starts_and_a_stopped_container_just_starts(nas: Nas) -> None:
    instance = nas.add("px-web")

    nas.call("virt.instance.restart", "px-web", {"force": True})
    assert [fields["status"] for *_rest, fields in nas.events] == ["STOPPED", "RUNNING"]

    nas.call("virt.instance.stop", "px-web", {"force": True})
    nas.call("virt.instance.restart", "px-web", {"timeout": 3})
    assert instance.status == "RUNNING"
    assert isinstance(nas.refusal("virt.instance.restart", "nope", {"force": True}), InstanceNotFound)


def test_starting_many_at_the_same_time_takes_as_long_as_one(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas(start_seconds=0.02)
    names = [f"px-{number}" for number in range(20)]
    for name in names:
        nas.add(name, "STOPPED")

    async def start_all() -> None:
        await asyncio.gather(*(nas.calling("virt.instance.start", name) for name in names))

    nas.run(start_all())

    assert {instance.status for instance in nas.world.containers.values()} == {"RUNNING"}


# delete


def test_deleting_a_running_container_stops_it_and_takes_its_snapshots(nas: Nas) -> None:
    nas.add("px-web")
    nas.snapshot("px-web", "base")

    assert nas.call("virt.instance.delete", "px-web") is True

    assert nas.world.containers == {}
    assert not any("px-web" in id for id in nas.world.snapshots)
    assert [event[1] for event in nas.events] == ["changed", "removed"]
    assert nas.events[-1] == ("virt.instance.query", "removed", "px-web", None)
    assert create(nas)["status"] == "STOPPED"


def test_a_container_others_were_cloned_from_is_put_aside(nas: Nas) -> None:
    nas.add("px-base")
    nas.add("px-copy", "STOPPED")
    [base] = nas.snapshot("px-base", "base")
    copy = "tank/.ix-virt/containers/px-copy"
    nas.call("zfs.dataset.delete", copy, {"recursive": True})
    nas.run(nas.world.storage.clone(base, copy))

    nas.call("virt.instance.delete", "px-base")

    [aside] = [name for name in nas.world.storage.zfs.datasets if name.startswith("tank/.ix-virt/deleted/containers/")]
    assert nas.world.storage.zfs.datasets[copy].origin == f"{aside}@base"

    nas.call("virt.instance.delete", "px-copy")
    assert not nas.world.storage.zfs.exists(aside)


def test_a_busy_dataset_makes_the_first_delete_fail(nas: Nas) -> None:
    nas.add("px-web")
    nas.world.faults = Faults("busy_delete")

    error = nas.refusal("virt.instance.delete", "px-web")

    assert isinstance(error, CallError)
    assert "dataset is busy" in str(error)
    assert nas.world.containers["px-web"].status == "STOPPED"
    assert nas.call("virt.instance.delete", "px-web") is True


def test_a_held_snapshot_keeps_its_container(nas: Nas) -> None:
    nas.add("px-web")
    [base] = nas.snapshot("px-web", "base")
    nas.world.storage.hold(base)

    assert "dataset is busy" in str(nas.refusal("virt.instance.delete", "px-web"))
    assert "px-web" in nas.world.containers


def test_delete_takes_one_argument(nas: Nas) -> None:
    error = nas.refusal("virt.instance.delete", "px-web", True)

    assert error.triples == [("", "Too many arguments (expected 1, found 2)", 22)]


# the rest


def test_image_choices_hold_other_architectures_too(nas: Nas) -> None:
    choices = nas.call("virt.instance.image_choices")

    assert choices["ubuntu/noble/default"]["instance_types"] == ["CONTAINER", "VM"]
    assert choices["springdalelinux/9/default"]["archs"] == ["arm64"]
    assert nas.call("virt.instance.image_choices", {"remote": "LINUX_CONTAINERS"}) == choices


def test_the_shell_is_looked_for_in_the_default_pool(nas: Nas) -> None:
    nas.add("px-web")
    nas.add("px-far", storage_pool="fast")
    assert nas.call("virt.instance.get_shell", "px-web") is None

    rootfs = "/var/lib/incus/storage-pools/tank/containers/px-web/rootfs"
    nas.call("filesystem.file_receive", f"{rootfs}/bin/sh", "eA==", {})

    assert nas.call("virt.instance.get_shell", "px-web") == "/bin/sh"
    assert nas.call("virt.instance.get_shell", "px-far") is None
    nas.call("virt.instance.stop", "px-web", {"force": True})
    assert str(nas.refusal("virt.instance.get_shell", "px-web")) == "[EFAULT] Container must be running."


def test_addresses_of_all_interfaces_are_listed_in_the_order_of_their_names(nas) -> None:
    made = nas.run(nas.world.seed("px-web"))
    (own,) = made.aliases
    bridges = {name: [{"type": "INET", "address": f"10.{number}.0.1", "netmask": 16}] for number, name in NAMED}
    made.bridges = bridges

    [row] = nas.call("virt.instance.query", [["name", "=", "px-web"]], {"extra": {"raw": True}})

    assert [each["address"] for each in row["aliases"]] == ["10.1.0.1", "10.2.0.1", "10.3.0.1", own["address"]]
    network = row["raw"]["state"]["network"]
    assert network["docker0"]["addresses"][0]["address"] == "10.3.0.1"
    assert [each["address"] for each in network["eth0"]["addresses"]] == [own["address"]]
    assert network["eth0"]["hwaddr"] == row["raw"]["config"]["volatile.eth0.hwaddr"] != network["docker0"]["hwaddr"]


NAMED = ((1, "br-8f3a"), (3, "docker0"), (2, "cni0"))
