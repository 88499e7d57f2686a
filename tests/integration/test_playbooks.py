# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the playbooks that create and destroy a fleet, with the inventory and commands between them."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from tests.integration.conftest import imported

MIB = 1024 * 1024


@pytest.fixture
def release():
    """Test one release unless a test sets another, because the playbooks do not depend on the API."""
    return "25.10"


@pytest.fixture
def playbook(ansible):
    """Run a playbook of the collection with these variables."""

    def run(name, *options, check=True, **variables):
        return ansible.playbook(f"pixels.truenas.{name}", "--extra-vars", json.dumps(variables), *options, check=check)

    return run


def results(played):
    """Return the result of each task by its name, without the name of the role."""
    return {
        each["task"].rpartition(" : ")[2]: each["result"] for each in played["results"] if each["outcome"] != "diff"
    }


def fleets(played):
    """Return the outcome for each pixel, for each playbook."""
    found = [each["result"]["pixels"] for each in played["results"] if "pixels" in each["result"]]
    return [{each["name"]: each["outcome"] for each in pixels} for pixels in found]


def statuses(truenas):
    return {name: made.status for name, made in truenas.world.containers.items()}


def test_a_fleet_becomes_what_is_described_and_stays_it(ansible, truenas):
    truenas.world.add_container("px-other")
    fleet = {
        "fleet_pixels": ["web", {"name": "db", "memory": "4GiB", "state": "stopped"}],
        "fleet_defaults": {"cpu": 1},
        "fleet_name": "demo",
    }
    fewer = {"fleet_pixels": ["web"], "fleet_name": "demo"}
    all_stopped = {"fleet_pixels": ["web", {"name": "db", "state": "started"}], "fleet_state": "stopped"}

    played = ansible.play(
        imported("fleet", **fleet)
        + imported("fleet", **fleet)
        + imported("fleet", **fewer)
        + imported("fleet", **all_stopped)
        + imported("fleet", **fewer, fleet_prune=True)
        + imported("fleet", fleet_pixels=["web", {"name": "db", "image": "no-such/image"}, "cache"]),
        check=False,
    )

    assert fleets(played) == [
        {"web": "created", "db": "created"},
        {"web": "unchanged", "db": "unchanged"},
        {"web": "unchanged"},
        {"web": "changed", "db": "changed"},
        {"web": "changed", "db": "destroyed"},
        {"web": "unchanged", "db": "failed", "cache": "created"},
    ]
    summaries = [each["result"]["msg"] for each in played["results"] if each["task"] == "Show the fleet summary"]
    assert [summary["created"] for summary in summaries] == [2, 0, 0, 0, 0]
    made = truenas.world.containers
    assert statuses(truenas) == {"px-other": "RUNNING", "px-web": "RUNNING", "px-cache": "RUNNING"}
    assert (made["px-web"].cpu, made["px-web"].memory) == ("1", 2048 * MIB)
    # One that fails does not keep the others from their way.
    assert played["rc"] != 0
    assert "1 of 3 pixels" in played["text"]
    assert "db: " in played["text"]


def test_check_mode_predicts_a_fleet_and_makes_none(ansible, truenas):
    truenas.world.add_container("px-old")

    predicted = ansible.play(
        imported("fleet", fleet_pixels=["web", "db"]) + imported("destroy", fleet_pixels=["old", "gone"]), "--check"
    )

    assert fleets(predicted) == [{"web": "created", "db": "created"}, {"old": "destroyed", "gone": "unchanged"}]
    assert statuses(truenas) == {"px-old": "RUNNING"}


def test_the_role_makes_a_fleet_and_rejects_invalid_values(ansible, truenas):
    host = ansible.environment.pop("PIXELS_TRUENAS_HOST")
    cases = [
        ({"fleet_pixels": ["web"], "fleet_state": "sleeping"}, "value of fleet_state must be one of"),
        ({"fleet_pixels": {"name": "web"}}, "fleet_pixels"),
        ({"fleet_pixels": ["we_b"]}, "invalid pixel name 'we_b'"),
        ({"fleet_pixels": ["web", "px-web"]}, "web"),
        ({"fleet_pixels": [{"name": "web", "memmory": "4GiB"}]}, "memmory"),
        ({"fleet_pixels": ["web"], "fleet_prune": True}, "fleet"),
    ]
    tasks = [
        {
            "block": [{"ansible.builtin.include_role": {"name": "pixels.truenas.fleet"}, "vars": variables}],
            "rescue": [{"name": f"case {number}", "ansible.builtin.debug": {"var": "ansible_failed_result"}}],
        }
        for number, (variables, _told) in enumerate(cases)
    ]

    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"group/pixels.truenas.pixels": {"host": host}},
    }
    role = {"role": "pixels.truenas.fleet", "fleet_pixels": ["app"]}

    # JSON is valid YAML.
    played = ansible.play(json.dumps([{**play, "tasks": tasks}, {**play, "roles": [role]}]))

    for number, (variables, message) in enumerate(cases):
        refused = results(played)[f"case {number}"]["ansible_failed_result"]
        assert refused["failed"], variables
        assert message in refused["msg"], variables
    assert statuses(truenas) == {"px-app": "RUNNING"}


NO_TARGET = "List them in fleet_pixels, or set fleet_all=true"


def test_the_listed_are_destroyed_and_nothing_that_was_not_asked_for(ansible, truenas):
    for name in ("px-web", "px-db", "px-other", "web"):
        truenas.world.add_container(name)
    listed = {"fleet_pixels": ["web", {"name": "db", "state": "started", "memory": "4GiB"}, "gone"]}

    played = ansible.play(
        imported("destroy", **listed) + imported("destroy", **listed) + imported("destroy"), check=False
    )

    first, second = fleets(played)
    assert first == {"web": "destroyed", "db": "destroyed", "gone": "unchanged"}
    assert second == {"web": "unchanged", "db": "unchanged", "gone": "unchanged"}
    assert played["rc"] != 0
    assert NO_TARGET in results(played)["Require an explicit target"]["msg"]
    assert set(truenas.world.containers) == {"px-other", "web"}


def test_all_are_destroyed_only_when_that_is_requested(playbook, ansible, truenas):
    for name in ("px-web", "px-db", "web"):
        truenas.world.add_container(name)

    refused = playbook("destroy", check=False, fleet_pixels=[], fleet_all="no")
    assert NO_TARGET in results(refused)["Require an explicit target"]["msg"]
    assert len(truenas.world.containers) == 3

    playbook("destroy", fleet_all=True)
    assert set(truenas.world.containers) == {"web"}


# The commands of README.md go the same way in test_documented_commands.py.
@pytest.mark.skipif(shutil.which("ssh") is None, reason="enters pixels by OpenSSH")
@pytest.mark.parametrize("engine", ["process"])
@pytest.mark.wide
def test_the_main_job_from_a_playbook_to_ssh_and_back(playbook, ansible, truenas, entering):
    fleet = {"fleet_pixels": ["web", "db"], "fleet_defaults": {"provision": True, "wait": "ssh"}}

    playbook("fleet", **fleet)

    listed = json.loads(ansible.run("ansible-inventory", *entering, "--list").stdout)
    assert sorted(listed["pixels"]["hosts"]) == ["db", "web"]
    output = ansible.run("ansible", *entering, "pixels", "-m", "pixels.truenas.pixels_exec", "-a", "uname -n").stdout
    assert ("px-web" in output, "px-db" in output) == (True, True)
    assert (
        ansible.run("ansible", *entering, "pixels", "-m", "ansible.builtin.raw", "-a", "true").stdout.count("rc=0") == 2
    )

    played = ansible.play(imported("fleet", **fleet) + imported("destroy", **fleet))

    assert [set(each.values()) for each in fleets(played)] == [{"unchanged"}, {"destroyed"}]
    assert truenas.world.containers == {}


@pytest.mark.parametrize("engine", ["process"])
def test_a_base_is_built_with_roles_and_a_failure_leaves_the_earlier_version(ansible, truenas, tmp_path):
    role = tmp_path / "roles" / "acme" / "tasks"
    role.mkdir(parents=True)
    (role / "main.yml").write_text(
        "- name: Write a file\n  ansible.builtin.copy: {content: '{{ acme_text }}', dest: /etc/acme, mode: '0644'}\n"
        "- name: Fail if asked to\n  ansible.builtin.fail: {msg: as asked}\n  when: acme_text == 'bad'\n"
    )
    # The base has its own Python.
    del ansible.environment["ANSIBLE_PYTHON_INTERPRETER"]
    ansible.environment["ANSIBLE_ROLES_PATH"] = str(tmp_path / "roles")

    def build(text):
        variables = {"base_roles": ["acme"], "base_vars": {"acme_text": text}}
        return imported("base", base_name="tools", base_image="debian/12", **variables)

    played = ansible.play(build("good") + build("good") + build("bad"), check=False)

    assert re.search(r"Building the base tools failed in the task .*: as asked. Its earlier", played["text"])
    assert statuses(truenas) == {"px-base-tools-1": "STOPPED"}
    written = truenas.world.engine.read_file("px-base-tools-1", "/etc/acme")
    assert truenas.run(written) == b"good"
