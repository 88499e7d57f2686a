# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of creating, changing and destroying a pixel."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.modules import pixels_container
from tests.unit.plugins.conftest import strike

MIB = 1024 * 1024
STATES = ["present", "started", "stopped", "restarted", "absent"]


@pytest.fixture
def container(run):
    """Run the module with short timeouts."""

    def run_module(name="web", **params):
        return run(pixels_container, **{"name": name, "wait_timeout": 20, "delete_delay": 0, **params})

    return run_module


def outcome(result):
    return result["changed"], result["diff"]


def test_creates_starts_and_waits_for_an_address(container, truenas):
    result = container()

    made = truenas.world.containers["px-web"]
    assert result["changed"]
    assert (made.status, made.cpu, made.memory, made.autostart) == ("RUNNING", "2", 2048 * MIB, True)
    assert result["container"]["ipv4"] == made.aliases[0]["address"]
    assert result["container"]["full_name"] == "px-web"
    assert result["container"]["dataset"] == f"{truenas.world.default_pool}/.ix-virt/containers/px-web"


def test_the_prefix_may_be_given(container, truenas):
    container("px-web")

    assert set(truenas.world.containers) == {"px-web"}


def test_creates_without_autostart_and_sets_it_only_after_the_start(container, truenas):
    container()

    called = [method for method in truenas.stats.methods_called if method.startswith("virt.instance.")]
    changes = [method for method in called if not method.endswith(("query", "device_list"))]
    assert changes == ["virt.instance.create", "virt.instance.start", "virt.instance.update"]


def test_gives_a_new_pixel_what_is_asked_for(container, truenas):
    container(cpu=4, memory="1.5GiB", environment={"GREETING": "hello", "COUNT": 3}, autostart=False, state="present")

    made = truenas.world.containers["px-web"]
    assert (made.status, made.cpu, made.memory, made.autostart) == ("STOPPED", "4", 1536 * MIB, False)
    assert made.environment == {"GREETING": "hello", "COUNT": "3", "PIXELS/image": "ubuntu/24.04"}


def test_attaches_a_new_pixel_to_the_interface_of_the_default_gateway(container, truenas):
    result = container()

    gateway_nic = result["diff"]["after"]["nic"]
    device = truenas.world.containers["px-web"].devices["eth0"]
    assert gateway_nic["type"] == "macvlan"
    assert device["parent"] == gateway_nic["parent"]


def test_attaches_it_to_the_interface_that_is_named(container, truenas):
    container(nic={"parent": "eno1", "type": "macvlan"})

    assert truenas.world.containers["px-web"].devices["eth0"]["parent"] == "eno1"


@pytest.mark.parametrize(
    ("option", "value", "attribute", "wanted"),
    [
        ("cpu", "4", "cpu", "4"),
        ("memory", "4GiB", "memory", 4096 * MIB),
        ("environment", {"A": "b"}, "environment", {"A": "b"}),
        ("environment", {}, "environment", {}),
        ("autostart", True, "autostart", True),
    ],
)
def test_changes_a_setting_of_an_existing_pixel(container, truenas, option, value, attribute, wanted):
    truenas.world.add_container("px-web", environment={"OLD": "one"}, autostart=False)

    result = container(**{option: value})

    assert result["changed"]
    assert getattr(truenas.world.containers["px-web"], attribute) == wanted
    assert not container(**{option: value})["changed"]


def test_moves_an_existing_pixel_to_another_interface(container, truenas):
    truenas.world.add_container("px-web")

    result = container(nic={"parent": "eno1"})

    assert result["changed"]
    assert truenas.world.containers["px-web"].devices["eth0"]["parent"] == "eno1"
    assert not container(nic={"parent": "eno1"})["changed"]


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("nic", [{"parent": "eno9"}, {"parent": "eno1", "type": "bridged"}])
def test_an_interface_that_is_not_there_is_reported_before_anything_is_made_also_in_check_mode(
    container, truenas, nic, there
):
    if there:
        truenas.world.add_container("px-web")
    before = truenas.world.as_json()

    for check_mode in (True, False):
        result = container(nic=nic, check_mode=check_mode)

        assert result["failed"]
        assert f"cannot attach a container to {nic['parent']!r}" in result["msg"]
        assert result["error"]["fields"][0]["field"] == "nic.parent"
    assert truenas.world.as_json() == before


@pytest.mark.parametrize("asked", ["ubuntu/24.04/cloud", "ubuntu/noble/desktop", "alpine", "golden", "debian/12"])
def test_another_image_than_the_one_it_was_made_from_is_never_mistaken_for_it(container, truenas, asked):
    container(image="ubuntu/24.04", state="present")

    result = container(image=asked, state="present")

    assert result["failed"]
    assert f"cannot change it to {asked}" in result["msg"]
    assert truenas.world.containers["px-web"].environment["PIXELS/image"] == "ubuntu/24.04"
    assert not container(image="ubuntu/noble", state="present")["changed"]


def test_leaves_alone_what_is_not_asked_for(container, truenas):
    truenas.world.add_container("px-web", cpu="7", environment={"A": "b"})

    result = container()

    assert not result["changed"]
    assert "virt.instance.update" not in truenas.stats.methods_called


def test_refuses_another_image_and_leaves_the_pixel_as_it_is(container, truenas):
    truenas.world.add_container("px-web")

    result = container(image="debian/12", memory="4GiB")

    assert result["failed"]
    assert "cannot change it to debian/12" in result["msg"]
    assert truenas.world.containers["px-web"].memory == 2048 * MIB


def test_refuses_a_pool_the_nas_keeps_no_containers_on(container, truenas):
    result = container(storage_pool="nowhere")

    assert result["failed"]
    assert "nowhere" in result["msg"]
    assert truenas.world.containers == {}


def test_stops_a_running_pixel(container, truenas):
    truenas.world.add_container("px-web")

    result = container(state="stopped")

    assert result["changed"]
    assert result["container"]["status"] == "stopped"
    assert truenas.world.containers["px-web"].status == "STOPPED"


def test_a_stop_that_takes_too_long_says_what_helps_and_force_does(container, truenas):
    truenas.world.add_container("px-web")
    truenas.faults.add("stop_times_out", method="virt.instance.stop")

    result = container(state="stopped", stop_timeout=1)

    assert result["failed"]
    assert "force: true" in result["msg"]
    assert truenas.world.containers["px-web"].status == "RUNNING"
    assert container(state="stopped", force=True)["changed"]
    assert truenas.world.containers["px-web"].status == "STOPPED"


def test_one_that_did_not_get_the_first_request_gets_another(container, truenas):
    web = truenas.world.add_container("px-web")
    truenas.faults.add("stop_times_out", method="virt.instance.stop")

    assert container(state="stopped", stop_timeout=30)["changed"]

    assert truenas.stats.calls["virt.instance.stop"] == 2
    assert web.status == "STOPPED"


@pytest.mark.parametrize("late", [None, 0.3])
def test_one_that_does_not_stop_in_time_for_its_restart_runs_in_the_end(container, truenas, late):
    web = truenas.world.add_container("px-web")
    truenas.faults.add("stop_times_out", method="virt.instance.restart", late=late)

    assert container(state="restarted", stop_timeout=30)["changed"]

    assert (web.status, web.starts) == ("RUNNING", 1)


@pytest.mark.parametrize(("state", "status"), [("started", "RUNNING"), ("stopped", "STOPPED")])
def test_a_status_that_passes_is_waited_out_before_it_is_compared(container, truenas, state, status):
    truenas.world.add_container("px-web", status=status)
    truenas.faults.add("shows_status", method="px-web", status="UNKNOWN", times=3)

    assert not container(state=state, check_mode=True)["changed"]
    assert truenas.faults.waiting == []


@pytest.mark.parametrize("state", ["started", "restarted", "absent"])
def test_one_that_is_stopping_ends_as_requested(container, truenas, pixels, state):
    web = truenas.world.add_container("px-web")
    truenas.faults.add("stop_times_out", method="virt.instance.stop", late=0.3)
    with pytest.raises(Refused):
        pixels.wire.run_job("virt.instance.stop", "px-web", {"timeout": 1})

    assert container(state=state)["changed"]

    assert truenas.world.containers == ({} if state == "absent" else {"px-web": web})
    assert web.status == ("STOPPED" if state == "absent" else "RUNNING")


def test_restarts_every_time(container, truenas):
    truenas.world.add_container("px-web")

    assert container(state="restarted")["changed"]
    assert container(state="restarted")["changed"]
    assert truenas.stats.calls["virt.instance.restart"] == 2


def test_destroys_a_running_pixel_having_stopped_it_first(container, truenas):
    truenas.world.add_container("px-web")

    result = container(state="absent")

    called = [
        method for method in truenas.stats.methods_called if method in ("virt.instance.stop", "virt.instance.delete")
    ]
    assert result["changed"]
    assert result["container"] is None
    assert truenas.world.containers == {}
    assert called == ["virt.instance.stop", "virt.instance.delete"]


def test_destroys_one_that_will_not_stop(container, truenas):
    truenas.world.add_container("px-web")
    truenas.faults.add("stop_times_out", method="virt.instance.stop")

    assert container(state="absent", stop_timeout=1)["changed"]
    assert truenas.world.containers == {}


def test_tries_again_while_the_storage_is_busy(container, truenas):
    truenas.world.add_container("px-web", status="STOPPED")
    truenas.faults.add("busy_delete", times=2)

    assert container(state="absent")["changed"]
    assert truenas.world.containers == {}


def test_a_delete_that_reports_busy_storage_only_after_a_while_is_repeated(container, truenas):
    truenas.world.add_container("px-web", status="STOPPED")
    truenas.faults.add("busy_delete", times=2, seconds=1.0)

    assert container(state="absent")["changed"]
    assert truenas.world.containers == {}


def test_a_delete_that_outlasts_the_time_is_reported_as_unfinished_and_the_next_run_converges(container, truenas):
    truenas.world.add_container("px-web", status="STOPPED")
    truenas.faults.add("busy_delete", times=1, seconds=1.0)

    result = container(state="absent", wait_timeout=0.5)

    assert "destroying web" in result["msg"]
    assert "web is now stopped, which may still change" in result["msg"]
    assert "Run this again" in result["msg"]
    assert container(state="absent")["changed"]
    assert truenas.world.containers == {}


def test_cores_that_the_nas_does_not_have_may_be_in_a_set(container, truenas):
    truenas.world.cores = 2

    assert container(cpu="7-9")["container"]["status"] == "running"
    assert not container(cpu="7-9")["changed"]


def test_gives_up_on_storage_that_stays_busy_and_says_so(container, truenas):
    truenas.world.add_container("px-web", status="STOPPED")
    truenas.faults.add("busy_delete", times=3)

    result = container(state="absent")

    assert result["failed"]
    assert "destroying web" in result["msg"]
    assert "busy" in result["msg"]
    assert set(truenas.world.containers) == {"px-web"}


def test_destroying_takes_the_checkpoints_with_it_and_nothing_else(container, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-db")
    truenas.world.add_container("web")

    container(state="absent")

    assert set(truenas.world.containers) == {"px-db", "web"}


def test_a_create_that_fails_leaves_nothing(container, truenas):
    truenas.faults.add("fail_job", method="virt.instance.create", kind="CallError", errno=14, text="no such image")

    result = container()

    assert result["failed"]
    assert "creating web" in result["msg"]
    assert "no such image" in result["msg"]
    assert truenas.world.containers == {}
    assert container()["changed"]


@pytest.mark.parametrize("step", ["virt.instance.start", "virt.instance.update"])
@pytest.mark.parametrize("fault", ["fail", "drop_before_call"])
def test_a_create_that_was_broken_off_is_completed_by_the_next_run(container, truenas, step, fault):
    strike(truenas, fault, step)
    assert container(wait="running")["failed"]

    predicted = container(check_mode=True)
    done = container()

    made = truenas.world.containers["px-web"]
    assert (made.status, made.autostart, made.environment) == ("RUNNING", True, {"PIXELS/image": "ubuntu/24.04"})
    assert outcome(done) == outcome(predicted)
    assert not container()["changed"]


def test_a_create_that_was_broken_off_is_completed_as_asked_by_then(container, truenas):
    strike(truenas, "fail", "virt.instance.start")
    container()

    container(autostart=False)

    assert not truenas.world.containers["px-web"].autostart
    assert not container()["changed"]


def test_a_start_that_fails_after_a_create_says_what_is_there_and_the_next_run_goes_on(container, truenas):
    truenas.faults.add("fail_job", method="virt.instance.start", kind="CallError", errno=14, text="no room")

    result = container()

    assert result["failed"]
    assert "was created" in result["msg"]
    assert "no room" in result["msg"]
    assert truenas.world.containers["px-web"].status == "STOPPED"
    assert container()["container"]["status"] == "running"


@pytest.mark.parametrize("fault", ["drop_before_reply", "drop_after_reply", "drop_mid_job"])
@pytest.mark.parametrize("method", ["virt.instance.create", "virt.instance.start", "virt.instance.update"])
def test_a_connection_that_breaks_leaves_what_the_next_run_completes(container, truenas, fault, method):
    truenas.faults.add(fault, method=method)

    container()
    result = container()

    assert "failed" not in result
    assert truenas.world.containers["px-web"].status == "RUNNING"
    assert len(truenas.world.containers) == 1


def test_an_address_that_never_comes_is_reported_with_a_hint(container, truenas):
    truenas.world.add_container("px-web", status="STOPPED")
    truenas.world.options.address_seconds = 600

    result = container(wait_timeout=1)

    assert result["failed"]
    assert "no address" in result["msg"]
    assert "DHCP" in result["msg"]


def test_waiting_for_nothing_does_not_wait(container, truenas):
    truenas.world.options.address_seconds = 600

    result = container(wait="none")

    assert result["changed"]
    assert result["container"]["ipv4"] is None


def test_a_nas_without_containers_says_so(container, truenas):
    truenas.world.state = "NO_POOL"

    result = container()

    assert result["failed"]
    assert "choose a storage pool" in result["msg"]


def test_an_account_without_the_right_is_reported_which_call_it_may_not_make(container, truenas, nas):
    nas.update(username="reader", api_key=truenas.add_account("reader", roles=["READONLY_ADMIN"]))

    result = container()

    assert result["failed"]
    assert result["error"]["kind"] == "NotPermitted"
    assert "virt.instance.create" in result["msg"]


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"name": "we_b"}, "invalid pixel name"),
        ({"memory": "lots"}, "invalid amount of memory"),
        ({"state": "stopped", "provision": {"public_keys": ["ssh-ed25519 AAAA"]}}, "requires a running pixel"),
    ],
)
def test_nonsense_is_refused_before_anything_is_done(container, truenas, params, problem):
    result = container(**params)

    assert result["failed"]
    assert problem in result["msg"]
    assert truenas.world.containers == {}


def test_no_secret_is_in_what_a_failure_prints(container, truenas, nas):
    nas["api_key"] = "1-" + "wrong" * 13

    result = container()

    assert result["failed"]
    assert "wrongwrong" not in str(result)


@pytest.mark.parametrize(("existing", "state"), list(itertools.product(["RUNNING", "STOPPED", None], STATES)))
def test_check_mode_predicts_and_a_second_run_changes_nothing(container, truenas, existing, state):
    if existing:
        truenas.world.add_container("px-web", status=existing)
    wanted = {"memory": "4GiB", "autostart": True, "state": state}
    before = truenas.world.as_json()

    predicted = container(check_mode=True, **wanted)

    assert truenas.world.as_json() == before
    assert outcome(container(**wanted)) == outcome(predicted)
    if state != "restarted":
        assert not container(**wanted)["changed"]


def test_settings_of_the_user_decide_what_a_new_pixel_gets(container, truenas, monkeypatch, tmp_path):
    parent = next(iter(truenas.world.interfaces))
    (tmp_path / "config.toml").write_text(f'[defaults]\ncpu = "1"\nmemory = 1024\nparent = "{parent}"\n')
    monkeypatch.setenv("PIXELS_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("PIXELS_DEFAULT_IMAGE", "debian/12")

    container(memory="512MiB")

    made = truenas.world.containers["px-web"]
    assert (made.image["os"], made.cpu, made.memory) == ("Debian", "1", 512 * 1024**2)
    assert made.devices["eth0"]["parent"] == parent
    assert truenas.stats.calls["interface.query"] == 0


def test_the_bridge_of_the_nas_can_be_the_usual_network(container, truenas, monkeypatch):
    monkeypatch.setenv("PIXELS_DEFAULT_NETWORK", "incusbr0")

    assert container()["changed"]

    assert truenas.world.containers["px-web"].devices == {}


def test_a_profile_leads_to_its_nas(container, truenas, nas, monkeypatch, tmp_path):
    (tmp_path / "config.toml").write_text(
        f'[nas.lab]\nhost = "{nas["host"]}"\nport = {nas["port"]}\nusername = "{nas["username"]}"\n'
        f'api_key = "{nas["api_key"]}"\nca_path = "{nas["ca_path"]}"\n'
    )
    monkeypatch.setenv("PIXELS_CONFIG", str(tmp_path / "config.toml"))
    nas.clear()

    assert container(profile="lab")["changed"]


def test_one_that_is_as_it_should_be_is_read_once(container, truenas):
    truenas.world.add_container("px-web")
    truenas.stats.reset()

    assert not container()["changed"]
    assert truenas.stats.calls["virt.instance.query"] == 1


def test_a_nas_whose_setup_failed_is_reported_with_the_dataset_and_the_fix(container, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-db")
    datasets = truenas.world.storage.zfs.datasets
    datasets["tank/.ix-virt/containers/px-db"].beside = dict(datasets["tank/.ix-virt/containers/px-web"].beside)
    truenas.set_up_incus()

    result = container()

    assert "state ERROR" in result["msg"]
    assert "tank/.ix-virt/containers/px-db has the record of px-web" in result["msg"]
    assert "`zfs rename tank/.ix-virt/containers/px-db " in result["msg"]


def test_a_nas_whose_setup_failed_is_reported_with_advice_to_an_account_that_cannot_see_the_cause(
    container, truenas, nas
):
    truenas.world.state = "ERROR"
    roles = ["VIRT_GLOBAL_READ", "VIRT_INSTANCE_WRITE"]
    nas.update(username="helper", api_key=truenas.add_account("helper", roles=roles))

    assert "see the job virt.global.setup as a full administrator" in container()["msg"]
