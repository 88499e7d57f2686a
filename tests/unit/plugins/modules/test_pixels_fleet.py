# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of managing many pixels with one task."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.policy import parse
from ansible_collections.pixels.truenas.plugins.modules import pixels_container_info, pixels_fleet
from tests.unit.plugins.conftest import RELEASES, both_generations, wait_until

MIB = 1024 * 1024


@pytest.fixture
def fleet(run):
    def run_module(*pixels, **params):
        return run(pixels_fleet, pixels=list(pixels), **params)

    return run_module


def outcomes(result):
    return {pixel["name"]: pixel["outcome"] for pixel in result["pixels"]}


def changes(truenas):
    return [method for method in truenas.stats.methods_called if method.endswith((".create", ".start"))]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.wide
def test_creates_all_of_them_over_one_login(fleet, truenas):
    result = fleet(*[f"agent-{number}" for number in range(12)])

    assert result["changed"]
    assert result["summary"] == {
        "created": 12,
        "changed": 0,
        "unchanged": 0,
        "replaced": 0,
        "destroyed": 0,
        "failed": 0,
    }
    assert all(made.status == "RUNNING" for made in truenas.world.containers.values())
    assert truenas.stats.logins == 1
    assert truenas.stats.calls["interface.query"] == 1


@pytest.mark.wide
def test_works_on_several_at_a_time_and_within_the_limits_of_the_nas(fleet, truenas):
    truenas.world.options.create_seconds = 1

    fleet(*[f"agent-{number}" for number in range(12)], concurrency=12)

    # With a concurrency of 1, the first would be started before the second is created.
    assert changes(truenas)[:2] == ["virt.instance.create"] * 2
    assert truenas.stats.most_in_flight <= 10


def test_one_after_the_other_when_that_is_asked(fleet, truenas):
    fleet("a", "b", "c", concurrency=1)

    assert changes(truenas) == ["virt.instance.create", "virt.instance.start"] * 3


def test_new_ones_that_are_only_waited_for_keep_no_other_waiting(fleet, truenas):
    world = truenas.world
    world.options.address_seconds = 3600

    def show_addresses_once_all_run():
        wait_until(lambda: [each.status for each in list(world.containers.values())] == ["RUNNING"] * 3)
        for each in world.containers.values():
            world.show_addresses(each)

    with ThreadPoolExecutor() as beside:
        shown = beside.submit(show_addresses_once_all_run)
        result = fleet("a", "b", "c", concurrency=1, defaults={"wait": "address", "wait_timeout": 20})

    shown.result()
    assert outcomes(result) == {"a": "created", "b": "created", "c": "created"}


def test_those_that_were_there_are_back_before_another_is_touched(fleet, truenas):
    world = truenas.world
    a, b = world.add_container("px-a"), world.add_container("px-b")
    before = b.starts
    world.options.address_seconds = 0.2

    def addresses_of_one_when_the_other_is_started():
        wait_until(lambda: b.starts != before)
        return list(a.aliases)

    with ThreadPoolExecutor() as beside:
        addresses = beside.submit(addresses_of_one_when_the_other_is_started)
        fleet("a", "b", state="restarted", concurrency=1, defaults={"wait": "address"})

    assert addresses.result()


def test_each_is_its_own_and_the_defaults_fill_in(fleet, truenas):
    fleet("a", {"name": "b", "memory": "4GiB"}, defaults={"memory": "1GiB", "cpu": 1})

    assert truenas.world.containers["px-a"].memory == 1024 * MIB
    assert truenas.world.containers["px-b"].memory == 4096 * MIB
    assert truenas.world.containers["px-b"].cpu == "1"


def test_the_state_of_one_comes_before_the_state_of_all(fleet, truenas):
    fleet("a", {"name": "b", "state": "stopped"}, state="started", defaults={"state": "present"})

    assert truenas.world.containers["px-a"].status == "RUNNING"
    assert truenas.world.containers["px-b"].status == "STOPPED"


def test_one_that_fails_stops_no_other_and_is_named_with_its_reason(fleet, truenas):
    truenas.world.add_container("px-bad")

    result = fleet("a", {"name": "bad", "image": "debian/12"}, {"name": "worse", "storage_pool": "nowhere"}, "b")

    assert result["failed"]
    assert outcomes(result) == {"a": "created", "bad": "failed", "worse": "failed", "b": "created"}
    assert "2 of 4 pixels" in result["msg"]
    assert "bad: bad was made from ubuntu noble" in result["msg"]
    assert "worse: cannot use the storage pool 'nowhere'" in result["msg"]
    assert {"px-a", "px-b"} <= set(truenas.world.containers)


def test_a_job_that_fails_is_the_failure_of_one(fleet, truenas):
    truenas.faults.add("fail_job", method="virt.instance.create", kind="CallError", errno=14, text="no space")

    result = fleet("a", "b", "c")

    assert sorted(outcomes(result).values()) == ["created", "created", "failed"]
    assert "no space" in result["msg"]
    assert fleet("a", "b", "c")["summary"]["created"] == 1


@both_generations
@pytest.mark.wide
def test_what_the_nas_says_of_a_failure_is_shown_on_one_line_and_bounded(fleet, truenas, release):
    hostile = "\x1b]0;owned\x07\nchanged: [a]\u202e" + "x" * 1_000_000
    prefix = "container" if release == "26" else "virt.instance"
    truenas.faults.add("fail_job", method=f"{prefix}.create", kind="CallError", errno=14, text=hostile)

    result = fleet("a", "b", concurrency=1)

    assert sorted(outcomes(result).values()) == ["created", "failed"]
    shown = json.dumps(result)
    assert len(shown) < 50_000
    assert not {"\x1b", "\x07", "\u202e"} & set(str(result))
    [line] = [line for line in result["msg"].splitlines() if "owned" in line]
    assert "\\x1b]0;owned\\x07\\nchanged: [a]\\u202exxx" in line


def test_the_fleet_is_recorded_on_the_nas_and_not_part_of_the_environment(fleet, run, truenas):
    fleet({"name": "a", "environment": {"GREETING": "hello"}, "labels": {"role": "builder"}}, fleet="agents")

    found = run(pixels_container_info)["containers"][0]
    assert (found["fleet"], found["labels"]) == ("agents", {"role": "builder"})
    assert found["environment"] == {"GREETING": "hello"}


@both_generations
def test_a_note_that_is_added_leaves_the_environment_and_other_notes(fleet, run, truenas):
    fleet({"name": "a", "environment": {"GREETING": "hello"}, "owner": "alice"})

    fleet({"name": "a", "labels": {"role": "builder"}}, fleet="agents")

    found = run(pixels_container_info)["containers"][0]
    assert (found["fleet"], found["owner"], found["labels"]) == ("agents", "alice", {"role": "builder"})
    assert found["environment"] == {"GREETING": "hello"}
    assert not fleet({"name": "a", "labels": {"role": "builder"}}, fleet="agents")["changed"]


@both_generations
@pytest.mark.wide
def test_prune_removes_what_has_the_fleet_name_and_is_not_listed(fleet, truenas):
    fleet("a", "b", "c", fleet="agents")
    fleet("other", fleet="others")
    fleet("lone")
    truenas.world.add_container("not-ours")

    result = fleet("a", fleet="agents", prune=True)

    assert outcomes(result) == {"a": "unchanged", "b": "destroyed", "c": "destroyed"}
    assert set(truenas.world.containers) == {"px-a", "px-other", "px-lone", "not-ours"}


def test_without_prune_nothing_is_removed(fleet, truenas):
    fleet("a", "b", fleet="agents")

    assert not fleet("a", fleet="agents")["changed"]
    assert set(truenas.world.containers) == {"px-a", "px-b"}


def test_prune_without_a_fleet_is_refused(fleet, truenas):
    assert "fleet" in fleet("a", prune=True)["msg"]


def test_destroys_all_that_are_listed(fleet, truenas):
    fleet("a", "b", "c")

    result = fleet("a", "b", "gone", state="absent")

    assert outcomes(result) == {"a": "destroyed", "b": "destroyed", "gone": "unchanged"}
    assert set(truenas.world.containers) == {"px-c"}


def test_an_empty_list_is_a_fleet_of_none(fleet, truenas):
    assert fleet()["summary"]["unchanged"] == 0


@pytest.mark.parametrize(
    ("pixels", "problem"),
    [
        ([{"memory": "1GiB"}], "has no name"),
        ([["a"]], "has no name"),
        (["we_b"], "invalid pixel name"),
        ([{"name": "a", "memroy": "1GiB"}], "the entry of a is invalid: memroy"),
        (["a", "px-a"], "listed more than once: a"),
        ([{"name": "a", "labels": {"a-b": "c"}}], "letters, digits and underscores"),
        ([{"name": "a", "owner": " "}], "owner"),
    ],
)
def test_nonsense_is_refused_before_anything_is_done(fleet, truenas, pixels, problem):
    result = fleet("fine", *pixels)

    assert result["failed"]
    assert problem in result["msg"]
    assert truenas.world.containers == {}


def test_any_number_takes_one_query_to_plan(fleet, truenas):
    names = [f"agent-{number}" for number in range(20)]
    for name in names:
        truenas.world.add_container(f"px-{name}")

    fleet(*names, defaults={"wait": "none"}, check_mode=True)

    assert truenas.stats.calls["virt.instance.query"] == 1


@pytest.mark.parametrize("state", ["present", "started", "stopped", "absent"])
def test_check_mode_predicts_and_a_second_run_changes_nothing(fleet, truenas, state):
    truenas.world.add_container("px-a")
    truenas.world.add_container("px-b", status="STOPPED")
    wanted = {"state": state, "fleet": "agents", "defaults": {"memory": "1GiB"}}

    predicted = fleet("a", "b", "c", check_mode=True, **wanted)
    done = fleet("a", "b", "c", **wanted)

    assert (outcomes(done), done["diff"], done["changed"]) == (
        outcomes(predicted),
        predicted["diff"],
        predicted["changed"],
    )
    assert not fleet("a", "b", "c", **wanted)["changed"]


def test_check_mode_predicts_a_pruning(fleet, truenas):
    fleet("a", "b", fleet="agents")

    result = fleet("a", fleet="agents", prune=True, check_mode=True)

    assert outcomes(result) == {"a": "unchanged", "b": "destroyed"}
    assert set(truenas.world.containers) == {"px-a", "px-b"}


@pytest.mark.parametrize("release", ["25.10"])
def test_a_fleet_has_as_many_numbered_pixels_as_requested(run, truenas):
    first = run(pixels_fleet, fleet="agents", count=3, name="agent-{n:02}", prune=True)
    fewer = run(pixels_fleet, fleet="agents", count=2, name="agent-{n:02}", prune=True)
    listed = run(pixels_fleet, fleet="agents", count=1, name="agent-{n:02}", pixels=["agent-02"], prune=True)

    assert outcomes(first) == {"agent-01": "created", "agent-02": "created", "agent-03": "created"}
    assert outcomes(fewer) == {"agent-01": "unchanged", "agent-02": "unchanged", "agent-03": "destroyed"}
    assert not listed["changed"]
    assert set(truenas.world.containers) == {"px-agent-01", "px-agent-02"}


@pytest.mark.parametrize("release", ["25.10"])
@pytest.mark.parametrize(
    "params", [{}, {"count": -1}, {"count": 10**6}, {"count": 2, "name": "agent"}, {"count": 2, "name": "{n}-{n}"}]
)
def test_an_unusable_number_or_name_changes_nothing(run, truenas, params):
    truenas.world.add_container("px-web", environment={"PIXELS/fleet": "agents"})

    refused = run(pixels_fleet, fleet="agents", prune=True, **params)

    assert refused["failed"]
    assert set(truenas.world.containers) == {"px-web"}


def test_members_have_the_egress_policy_of_the_defaults_unless_they_have_their_own(fleet, truenas):
    for name in ("a", "b"):
        truenas.world.add_container(f"px-{name}", status="STOPPED", environment={"PIXELS/egress": parse("none").note})

    result = fleet("a", {"name": "b", "egress": "agent"}, defaults={"egress": "none", "state": "stopped"})

    assert outcomes(result) == {"a": "unchanged", "b": "failed"}
    assert "the egress policy of b cannot be changed while b is stopped" in result["pixels"][1]["msg"]
