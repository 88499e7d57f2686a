# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the playbook of docs/agents.md: from nothing to agents with tools, an egress policy and a lifetime."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = ROOT / "docs/agents.yml"
TOOL = {
    "version": "distribution",
    "packages": {"apt": ["coreutils"]},
    "links": [{"name": "hello", "target": "/usr/bin/echo"}],
}
"""A tool of packages that each image has."""


@pytest.fixture
def engine() -> str:
    return "process"


@pytest.fixture
def release() -> str:
    return "25.10"


@pytest.fixture
def egress(pytestconfig) -> str:
    """A policy that the pixels of this test can enforce: processes have no network of their own, the lab does."""
    return "agent" if pytestconfig.getoption("--engine") == "lxc" else "unrestricted"


@pytest.fixture
def agents(ansible, entering, egress, tmp_path):
    """Return a function that runs the playbook, and returns the result of the fleet and whether anything changed."""
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps({"format": 1, "tools": {"hello": TOOL}}))
    variables = {"agents_image": "debian/12", "agents_tools": ["hello"], "agents_lock": str(lock)}

    def run(**more):
        played = ansible.playbook(
            str(PLAYBOOK), "--extra-vars", json.dumps({**variables, "agents_egress": egress, **more})
        )
        results = {each["task"]: each["result"] for each in played["results"] if each["outcome"] != "diff"}
        changed = any(each.get("changed") for each in results.values())
        return results["Clone an agent for each number"]["summary"], changed

    return run


@pytest.fixture
def pixels(ansible):
    def run(*words):
        environment = {**ansible.environment, "PIXELS_PYTHON": sys.executable, "PATH": os.environ["PATH"]}
        command = [str(ROOT / "bin/pixels"), "--json", *words]
        return json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)

    return run


def test_the_page_shows_the_playbook():
    _header, _mark, playbook = PLAYBOOK.read_text().partition("---\n")
    _comment, _newline, plays = playbook.partition("\n")

    assert f"```yaml\n{plays}```" in PLAYBOOK.with_suffix(".md").read_text()


@pytest.mark.wide
def test_agents_are_created_from_nothing_with_tools_a_policy_and_a_lifetime_and_stay_as_they_are(
    agents, pixels, truenas, egress
):
    created, _changed = agents(agents_count=3)
    again, changed = agents(agents_count=3)

    assert (created["created"], again["unchanged"], changed) == (3, 3, False)
    names = ["agent-1", "agent-2", "agent-3"]
    listed = {each["name"]: each for each in pixels("list", "--fleet", "agents")}
    assert sorted(listed) == names
    for each in listed.values():
        assert (each["ttl"], each["idle_stop"], each["origin"]) == ("8h", "1h", "base-agents-1@ready")
    assert [each["mode"] for each in pixels("network", "check", *names)] == [egress] * 3
    said = pixels("exec", "--transport", "shell", *names, "--", "hello", "you")
    assert [each["stdout"] for each in said] == ["you\n"] * 3
    assert [each["status"] for each in pixels("bases", "list") if each["name"] == "agents"] == ["ready"]

    fewer, _changed = agents(agents_count=1)
    none, _changed = agents(agents_count=1, agents_state="absent")

    assert (fewer["destroyed"], none["destroyed"]) == (2, 1)
    assert set(truenas.world.containers) == {"px-base-agents-1"}
