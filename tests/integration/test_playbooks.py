# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the main job: a fleet from a playbook, listed, entered, and destroyed by another playbook."""

from __future__ import annotations

import json
import shutil

import pytest

MIB = 1024 * 1024

both = pytest.mark.parametrize("release", ["25.04", "25.10"])


@pytest.fixture
def release():
    """One is enough where it is only about what a playbook does with its variables."""
    return "25.10"


@pytest.fixture
def playbook(ansible):
    """Run a playbook of the collection with these variables."""

    def run(name, *options, check=True, **variables):
        return ansible.playbook(f"pixels.truenas.{name}", "--extra-vars", json.dumps(variables), *options, check=check)

    return run


def results(played):
    """The result of each task, by its name without that of the role."""
    return {
        each["task"].rpartition(" : ")[2]: each["result"] for each in played["results"] if each["outcome"] != "diff"
    }


def outcomes(played):
    """How it went with each pixel."""
    [fleet] = [result for result in results(played).values() if "pixels" in result]
    return {each["name"]: each["outcome"] for each in fleet["pixels"]}


def statuses(truenas):
    return {name: made.status for name, made in truenas.world.containers.items()}


@both
def test_a_fleet_becomes_what_is_described(playbook, truenas):
    played = playbook(
        "fleet", fleet_pixels=["web", {"name": "db", "memory": "4GiB"}], fleet_defaults={"cpu": 1}, fleet_name="demo"
    )

    assert outcomes(played) == {"web": "created", "db": "created"}
    assert results(played)["Tell what became of it"]["msg"]["created"] == 2
    made = truenas.world.containers
    assert statuses(truenas) == {"px-web": "RUNNING", "px-db": "RUNNING"}
    assert [(made[name].cpu, made[name].memory) for name in ("px-web", "px-db")] == [
        ("1", 2048 * MIB),
        ("1", 4096 * MIB),
    ]


@both
def test_a_second_run_changes_nothing(playbook, truenas):
    fleet = {"fleet_pixels": ["web", {"name": "db", "state": "stopped"}], "fleet_name": "demo"}
    playbook("fleet", **fleet)
    before = truenas.world.as_json()

    again = playbook("fleet", **fleet)

    assert outcomes(again) == {"web": "unchanged", "db": "unchanged"}
    assert not any(result.get("changed") for result in results(again).values())
    assert truenas.world.as_json() == before


@both
def test_check_mode_predicts_a_fleet_and_makes_none(playbook, truenas):
    predicted = playbook("fleet", "--check", fleet_pixels=["web", "db"])

    assert outcomes(predicted) == {"web": "created", "db": "created"}
    assert truenas.world.containers == {}


def test_the_state_of_all_gives_way_to_that_of_one(playbook, truenas):
    playbook("fleet", fleet_pixels=["web", {"name": "db", "state": "started"}], fleet_state="stopped")

    assert statuses(truenas) == {"px-web": "STOPPED", "px-db": "RUNNING"}


def test_who_is_not_in_the_list_any_more_goes_when_asked(playbook, truenas):
    truenas.world.add_container("px-other")
    playbook("fleet", fleet_pixels=["web", "db"], fleet_name="demo")

    playbook("fleet", fleet_pixels=["web"], fleet_name="demo")
    assert set(truenas.world.containers) == {"px-web", "px-db", "px-other"}

    playbook("fleet", fleet_pixels=["web"], fleet_name="demo", fleet_prune=True)
    assert set(truenas.world.containers) == {"px-web", "px-other"}


def test_one_that_fails_does_not_keep_the_others_from_their_way(playbook, truenas):
    played = playbook("fleet", fleet_pixels=["web", {"name": "db", "image": "no-such/image"}], check=False)

    assert played["rc"] != 0
    assert "1 of 2 pixels" in played["text"]
    assert "db: " in played["text"]
    assert statuses(truenas) == {"px-web": "RUNNING"}


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"fleet_pixels": ["web"], "fleet_state": "sleeping"}, "value of fleet_state must be one of"),
        ({"fleet_pixels": {"name": "web"}}, "fleet_pixels"),
        ({"fleet_pixels": ["we_b"]}, "'we_b' cannot be the name of a pixel"),
        ({"fleet_pixels": ["web", "px-web"]}, "web"),
        ({"fleet_pixels": [{"name": "web", "memmory": "4GiB"}]}, "memmory"),
        ({"fleet_pixels": ["web"], "fleet_prune": True}, "fleet"),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(value),
)
def test_what_makes_no_sense_is_refused_before_anything_is_made(playbook, truenas, variables, told):
    played = playbook("fleet", check=False, **variables)

    assert played["rc"] != 0
    assert told in played["text"]
    assert truenas.world.containers == {}


def test_the_role_works_in_a_play_that_says_where_the_nas_is(ansible, truenas):
    host = ansible.environment.pop("PIXELS_TRUENAS_HOST")

    ansible.play(
        f"""
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/pixels.truenas.pixels:
      host: {host}
  roles:
    - role: pixels.truenas.fleet
      fleet_pixels: [web]
"""
    )

    assert statuses(truenas) == {"px-web": "RUNNING"}


def test_an_account_without_the_right_is_told_so(playbook, ansible, truenas):
    ansible.environment["PIXELS_TRUENAS_API_KEY"] = truenas.add_account("reader", roles=["VIRT_INSTANCE_READ"])
    ansible.environment["PIXELS_TRUENAS_USERNAME"] = "reader"

    played = playbook("fleet", check=False, fleet_pixels=["web"])

    assert played["rc"] != 0
    assert "full administrator rights" in results(played)["Bring the pixels to what is asked for"]["msg"]
    assert truenas.world.containers == {}


@both
def test_the_listed_are_destroyed_and_nobody_else(playbook, truenas):
    for name in ("px-web", "px-db", "px-other", "web"):
        truenas.world.add_container(name)

    played = playbook("destroy", fleet_pixels=["web", {"name": "db", "state": "started", "memory": "4GiB"}, "gone"])

    assert outcomes(played) == {"web": "destroyed", "db": "destroyed", "gone": "unchanged"}
    assert set(truenas.world.containers) == {"px-other", "web"}


def test_destroying_twice_changes_nothing(playbook, truenas):
    truenas.world.add_container("px-web")
    playbook("destroy", fleet_pixels=["web"])

    again = playbook("destroy", fleet_pixels=["web"])

    assert outcomes(again) == {"web": "unchanged"}
    assert not any(result.get("changed") for result in results(again).values())


@both
def test_check_mode_predicts_what_would_be_destroyed(playbook, truenas):
    truenas.world.add_container("px-web")

    predicted = playbook("destroy", "--check", fleet_pixels=["web", "gone"])

    assert outcomes(predicted) == {"web": "destroyed", "gone": "unchanged"}
    assert set(truenas.world.containers) == {"px-web"}


@pytest.mark.parametrize("variables", [{}, {"fleet_pixels": []}, {"fleet_all": False}, {"fleet_all": "no"}])
def test_nothing_is_destroyed_that_was_not_asked_for(playbook, truenas, variables):
    truenas.world.add_container("px-web")

    played = playbook("destroy", check=False, **variables)

    assert played["rc"] != 0
    assert "Name the pixels in fleet_pixels, or set fleet_all=true" in played["text"]
    assert set(truenas.world.containers) == {"px-web"}


def test_all_are_destroyed_only_when_that_is_said(playbook, truenas):
    for name in ("px-web", "px-db", "web"):
        truenas.world.add_container(name)

    playbook("destroy", fleet_all=True)

    assert set(truenas.world.containers) == {"web"}


@pytest.mark.skipif(shutil.which("ssh") is None, reason="enters pixels by OpenSSH")
@pytest.mark.parametrize("engine", ["process"])
@pytest.mark.parametrize("release", ["25.04", "25.10"])
def test_the_main_job_from_a_playbook_to_ssh_and_back(playbook, ansible, truenas, entering):
    fleet = {"fleet_pixels": ["web", "db"], "fleet_defaults": {"provision": True, "wait": "ssh"}}

    playbook("fleet", **fleet)

    listed = json.loads(ansible.run("ansible-inventory", *entering, "--list").stdout)
    assert sorted(listed["pixels"]["hosts"]) == ["db", "web"]
    said = ansible.run("ansible", *entering, "pixels", "-m", "pixels.truenas.pixels_exec", "-a", "uname -n").stdout
    assert ("px-web" in said, "px-db" in said) == (True, True)
    assert (
        ansible.run("ansible", *entering, "pixels", "-m", "ansible.builtin.raw", "-a", "true").stdout.count("rc=0") == 2
    )
    assert set(outcomes(playbook("fleet", **fleet)).values()) == {"unchanged"}

    playbook("destroy", **fleet)

    assert truenas.world.containers == {}
