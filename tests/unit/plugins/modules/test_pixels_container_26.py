# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of pixels on TrueNAS 26 that differ from earlier releases in test_pixels_container.py."""

from __future__ import annotations

import itertools
import re

import pytest

from ansible_collections.pixels.truenas.plugins.modules import pixels_container, pixels_container_info, pixels_nas_info
from tests.sweeps.nas import DELAY_S, SHORT_CALL_TIMEOUT_S, Nas
from tests.unit.plugins.conftest import strike

STATES = ["present", "started", "stopped", "restarted", "absent"]
ROLES = ("CONTAINER_DEVICE_WRITE", "CONTAINER_IMAGE_WRITE", "LXC_CONFIG_READ", "SNAPSHOT_READ")
ON_THE_BRIDGE = {"parent": "truenasbr0", "type": "bridged"}


@pytest.fixture
def release():
    return "26"


@pytest.fixture
def container(run):
    """Run the module with short timeouts."""

    def run_module(name="web", **params):
        return run(pixels_container, **{"name": name, "wait_timeout": 20, "delete_delay": 0, **params})

    return run_module


@pytest.fixture
def limited(nas, truenas):
    """Let the module log in with an account that has only these roles."""

    def log_in(*roles, web_shell=False):
        nas.update(username="operator", api_key=truenas.add_account("operator", roles=roles, web_shell=web_shell))

    return log_in


def domain(truenas):
    return truenas.world.domains["px-web"]


def test_creates_starts_and_waits_for_an_address(container, truenas):
    result = container(labels={"role": "front"}, environment={"GREETING": "hello"})

    made = domain(truenas)
    assert (made.status, made.cpu, made.autostart) == ("RUNNING", None, True)
    assert made.environment == {"GREETING": "hello"}
    shown = result["container"]
    assert shown["ipv4"] == made.aliases[0]["address"]
    assert (shown["cpu"], shown["memory"], shown["labels"]) == (None, None, {"role": "front"})
    assert shown["dataset"] == "tank/.truenas_containers/containers/px-web"
    assert (shown["image"]["os"], shown["image"]["release"]) == ("Ubuntu", "noble")
    assert shown["generation"] == "container"


def test_a_new_one_is_attached_to_the_interface_of_the_default_gateway(container, truenas):
    result = container()

    [card] = [each.attributes for each in domain(truenas).devices]
    assert card["nic_attach"] == result["diff"]["after"]["nic"]["parent"]
    assert result["diff"]["after"]["nic"]["type"] == "macvlan"


def test_the_bridge_of_the_nas_can_be_the_usual_network(container, truenas, monkeypatch):
    monkeypatch.setenv("PIXELS_DEFAULT_NETWORK", "truenasbr0")

    assert container()["changed"]

    assert [each.attributes["nic_attach"] for each in domain(truenas).devices] == ["truenasbr0"]


@pytest.mark.parametrize(("existing", "state"), list(itertools.product(["RUNNING", "STOPPED", None], STATES)))
def test_check_mode_predicts_and_a_second_run_changes_nothing(container, truenas, existing, state):
    if existing:
        truenas.world.add_container("px-web", status=existing, cpu=None)
    wanted = {"state": state, "cpu": "0-1", "labels": {"a": "b"}, "nic": ON_THE_BRIDGE, "environment": {"A": "b"}}

    predicted = container(**wanted, check_mode=True)

    done = container(**wanted)
    assert (done["changed"], done["diff"]) == (predicted["changed"], predicted["diff"])
    assert container(**wanted)["changed"] == (state == "restarted")


@pytest.mark.parametrize(
    ("limit", "message"),
    [({"memory": "2GiB"}, "cannot limit the memory.*MemoryMax="), ({"cpu": 2}, "only pin it.*set cpu: 0-1")],
)
@pytest.mark.parametrize("there", [True, False])
def test_a_limit_that_cannot_be_is_refused_before_anything_is_done(container, truenas, limit, message, there):
    if there:
        truenas.world.add_container("px-web", cpu=None)

    for check_mode in (True, False):
        result = container(**limit, labels={"a": "b"}, check_mode=check_mode)

        assert result["error"]["kind"] == "Unsupported"
        assert re.search(message, result["msg"])
    assert set(truenas.world.containers) == ({"px-web"} if there else set())
    assert not there or domain(truenas).description == ""


def test_a_limit_of_the_users_own_settings_is_refused_as_well(container, truenas, monkeypatch):
    monkeypatch.setenv("PIXELS_DEFAULT_MEMORY", "4GiB")

    result = container()

    assert result["error"]["kind"] == "Unsupported"
    assert "default_memory" in result["msg"]
    assert truenas.world.containers == {}


def test_settings_change_and_what_a_person_wrote_stays(container, truenas):
    truenas.world.add_container("px-web", cpu=None, environment={"OLD": "one"})
    domain(truenas).description = "Ask Ann"

    result = container(cpu="0-3", environment={"A": "b"}, owner="bob")

    made = domain(truenas)
    assert result["changed"]
    assert (made.cpu, made.environment) == ("0-3", {"A": "b"})
    assert made.description == 'Ask Ann\npixels.truenas: {"owner": "bob"}'
    assert not container(cpu="0-3", environment={"A": "b"}, owner="bob")["changed"]


def test_moves_an_existing_pixel_to_another_interface(container, truenas):
    truenas.world.add_container("px-web")

    assert container(nic={"parent": "eno1"})["changed"]

    assert [each.attributes["nic_attach"] for each in domain(truenas).devices] == ["eno1"]
    assert not container(nic={"parent": "eno1"})["changed"]


def test_an_interface_it_does_not_have_is_reported_before_anything_is_made(container, truenas):
    result = container(nic={"parent": "eno9"})

    assert "cannot attach a container to 'eno9'" in result["msg"]
    assert truenas.world.containers == {}


def test_an_image_it_does_not_have_is_reported_with_what_is_nearly_called_so(container, truenas):
    result = container(image="debian/bookwurm")

    assert result["failed"]
    assert "creating web on" in result["msg"]
    assert "Similar images: debian/bookworm" in result["msg"]
    assert truenas.world.containers == {}


def test_refuses_another_image_than_the_one_that_was_noted(container, truenas):
    container(image="debian/12", state="present")

    result = container(image="ubuntu/24.04", state="present")

    assert "was made from debian bookworm" in result["msg"]
    assert not container(image="debian/bookworm", state="present")["changed"]


def test_a_clone_is_refused_with_what_to_do_instead(container, truenas):
    truenas.world.add_container("px-base", status="STOPPED")
    truenas.world.add_snapshot("px-base", "ready")

    for check_mode in (True, False):
        result = container(**{"from": "base@ready"}, check_mode=check_mode)

        assert result["error"]["kind"] == "Unsupported"
        assert "cannot clone web from base@ready on" in result["msg"]
        assert "from an image and provision it" in result["msg"]
    assert set(truenas.world.containers) == {"px-base"}


@pytest.mark.parametrize("method", ["container.start", "container.update"])
@pytest.mark.parametrize("fault", ["fail", "drop_before_call"])
def test_a_create_that_was_broken_off_is_completed_by_the_next_run(container, truenas, fault, method):
    wanted = {"environment": {"A": "b"}, "fleet": "demo", "wait": "running"}
    strike(truenas, fault, method)

    assert container(**wanted)["failed"]

    assert container(**wanted)["changed"]
    made = domain(truenas)
    assert (made.status, made.autostart, made.environment) == ("RUNNING", True, {"A": "b"})
    assert made.description == 'pixels.truenas: {"fleet": "demo", "image": "ubuntu/24.04"}'
    assert not container(**wanted)["changed"]


@pytest.mark.parametrize("state", ["present", "started"])
def test_one_whose_maker_died_before_it_was_attached_is_attached_before_its_first_start(container, truenas, state):
    # The NAS responds neither to the creation of the NIC nor to the removal.
    for method in ("container.device.create", "container.delete"):
        truenas.faults.add("fail_call", method=method, errno=14, reason="[EFAULT] bad luck")
    assert container(nic={"parent": "eno1"}, state=state)["failed"]
    assert domain(truenas).devices == []

    assert container(state=state, labels={"a": "b"})["changed"]
    container(state="started")

    assert [each.attributes["nic_attach"] for each in domain(truenas).devices] == ["eno1"]


def test_a_create_that_fails_leaves_nothing(container, truenas):
    truenas.faults.add("fail_job", method="container.create", errno=14, text="bad luck")

    result = container()

    assert "creating web on" in result["msg"]
    assert "bad luck" in result["msg"]
    assert truenas.world.containers == {}
    assert not truenas.world.storage.zfs.exists("tank/.truenas_containers/containers/px-web")


def test_one_that_cannot_be_attached_leaves_nothing(container, truenas):
    truenas.faults.add("fail_call", method="container.device.create", errno=14, reason="[EFAULT] bad luck")

    result = container()

    assert "bad luck" in result["msg"]
    assert truenas.world.containers == {}


def test_a_stop_that_takes_too_long_says_what_helps_and_force_does(container, truenas):
    truenas.world.add_container("px-web")
    truenas.faults.add("stop_times_out", method="container.stop", times=2)

    result = container(state="stopped", stop_timeout=5)

    assert "still running after 5 s" in result["msg"]
    assert "force: true" in result["msg"]
    assert container(state="stopped", force=True)["changed"]
    assert domain(truenas).status == "STOPPED"


def test_one_that_does_not_listen_is_destroyed_all_the_same(container, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_snapshot("px-web", "ready")
    truenas.faults.add("stop_times_out", method="container.stop")

    assert container(state="absent")["changed"]

    assert truenas.world.containers == {}
    assert not truenas.world.storage.zfs.exists("tank/.truenas_containers/containers/px-web")


def test_an_account_made_for_it_creates_and_waits_without_full_rights(container, truenas, limited):
    limited(*ROLES, web_shell=True)

    result = container(wait="running", nic=ON_THE_BRIDGE)

    assert result["changed"]
    assert result["container"]["ipv4"] is None
    assert domain(truenas).status == "RUNNING"
    assert container(state="absent")["changed"]


def test_without_an_address_and_the_web_shell_the_error_says_what_to_wait_for(container, truenas, limited):
    limited(*ROLES)

    result = container(nic=ON_THE_BRIDGE)

    assert result["error"]["kind"] == "NotPermitted"
    assert "cannot wait for the address of web" in result["msg"]
    assert "wait: running" in result["msg"]


def test_what_an_account_lacks_is_named_by_the_roles_of_the_release(run, limited):
    limited("CONTAINER_READ")

    nas = run(pixels_nas_info)["nas"]

    assert nas["generation"] == "container"
    assert nas["ready"]
    assert nas["rights"]["list"]["allowed"]
    assert "CONTAINER_DEVICE_WRITE" in nas["rights"]["manage"]["missing"]
    assert nas["rights"]["clone"]["missing"][-1] == "another release of TrueNAS"


def test_says_where_pixels_would_live(run):
    nas = run(pixels_nas_info)["nas"]

    assert (nas["pool"], nas["pools"], nas["dataset"]) == ("tank", ["tank", "fast"], "tank/.truenas_containers")


def test_those_of_other_people_are_not_shown(run, truenas):
    for name in ("px-web", "other"):
        truenas.world.add_container(name)

    found = run(pixels_container_info)["containers"]

    assert [(each["name"], each["ipv4"] is not None) for each in found] == [("web", True)]


# interrupted operations


@pytest.mark.parametrize("autostart", [True, False])
@pytest.mark.parametrize("state", ["present", "started"])
def test_one_whose_making_was_answered_too_late_gets_its_card_by_the_run_that_finds_it(
    container, truenas, state, autostart
):
    truenas.faults.add("delay", method="container.create", seconds=DELAY_S)
    options = {"name": "web", "state": state, "autostart": autostart}
    first = Nas(truenas).attempt(pixels_container, options, call_timeout_s=SHORT_CALL_TIMEOUT_S)

    predicted = container(state=state, autostart=autostart, check_mode=True)
    second = container(state=state, autostart=autostart)
    third = container(state=state, autostart=autostart)

    assert "which may still change" in first.error
    assert predicted["diff"] == second["diff"]
    assert [device.attributes["nic_attach"] for device in domain(truenas).devices] == ["eno1"]
    assert (domain(truenas).autostart, third["changed"]) == (autostart, False)


def test_a_restart_whose_start_is_refused_says_that_it_is_stopped(container, truenas):
    truenas.world.add_container("px-web")
    strike(truenas, "fail", "container.start")

    message = container(state="restarted")["msg"]

    assert "bad luck" in message
    assert "web is now stopped" in message
    assert "then run this again" in message


@pytest.mark.parametrize("state", ["present", "started", "stopped", "restarted"])
def test_the_shutdown_timeout_that_a_killed_controller_left_is_put_back_by_the_next_run(container, truenas, state):
    web = truenas.world.add_container("px-web", status="STOPPED" if state == "stopped" else "RUNNING")
    web.shutdown_timeout, web.description = 30, 'pixels.truenas: {"shutdown_timeout": 90}'

    first = container(state=state, wait="running")
    second = container(state=state, wait="running")

    assert first["changed"]
    assert (web.shutdown_timeout, web.description) == (90, "")
    assert second["changed"] is (state == "restarted")


# suspended with virsh in a shell of the NAS


@pytest.fixture
def suspended(truenas):
    made = truenas.world.add_container("px-web")
    made.show_suspended()
    return made


def test_what_is_suspended_is_shown_so_and_left_so_unless_a_state_is_asked_for(container, run, suspended):
    result = container(state="present")

    assert (result["changed"], result["container"]["status"]) == (False, "suspended")
    for wanted in ("suspended", "running", "stopped"):
        listed = run(pixels_container_info, status=[wanted])["containers"]
        assert [each["name"] for each in listed] == (["web"] if wanted == "suspended" else [])


@pytest.mark.parametrize(
    ("state", "problem", "advice"),
    [
        ("started", "is suspended, and the API cannot resume it", "Resume it with virsh in a shell of the NAS, or set"),
        ("stopped", "is suspended and cannot stop gracefully", "Set force: true to kill its processes"),
        ("restarted", "is suspended and cannot stop gracefully", "Set force: true to kill its processes"),
    ],
)
def test_what_is_suspended_is_neither_started_nor_stopped_without_force(
    container, truenas, suspended, state, problem, advice
):
    result = container(state=state)

    assert problem in result["msg"]
    assert advice in result["msg"]
    assert "web is now suspended" in result["msg"]
    assert (suspended.status, suspended.shutdown_timeout) == ("SUSPENDED", 90)
    assert {"container.start", "container.stop"}.isdisjoint(truenas.stats.methods_called)


@pytest.mark.parametrize(("state", "status"), [("stopped", "STOPPED"), ("restarted", "RUNNING")])
def test_what_is_suspended_is_killed_by_force(container, suspended, state, status):
    predicted = container(state=state, force=True, check_mode=True)

    result = container(state=state, force=True)

    assert (result["changed"], result["diff"]) == (predicted["changed"], predicted["diff"])
    assert suspended.status == status


def test_what_is_suspended_is_destroyed(container, truenas, suspended):
    assert container(state="absent")["changed"]

    assert truenas.world.containers == {}
