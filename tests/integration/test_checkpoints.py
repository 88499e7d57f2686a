# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of checkpoints, restores and clones of whole groups of living pixels, by the playbooks people run."""

from __future__ import annotations

import subprocess

import pytest

from tests.simulator.running import running_simulator
from tests.unit.plugins.conftest import put, read

NAMES = ("web", "db", "cache")
STATE = "/root/state"
UPGRADE = """
- hosts: pixels
  gather_facts: false
  tasks:
    - block:
        - pixels.truenas.pixels_checkpoint:
            label: before-upgrade
        - name: upgrade, which breaks off half way in db
          pixels.truenas.pixels_exec:
            argv: [sh, -c, "echo upgraded > /root/state; test {{ inventory_hostname }} != db"]
      rescue:
        - name: put back
          pixels.truenas.pixels_checkpoint_restore:
            label: before-upgrade
            wait: running
"""


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def truenas(release, engine):
    """Its pixels have an SSH server."""
    with running_simulator(release=release, engine=engine, ssh_installed=True) as simulator:
        yield simulator
        assert simulator.contract_errors == []


@pytest.fixture
def fleet(truenas, tmp_path):
    """Three pixels, as an inventory that needs no plugin."""
    for name in NAMES:
        truenas.world.add_container(f"px-{name}")
        put(truenas, STATE, "before", name=f"px-{name}")
    inventory = tmp_path / "hosts.yml"
    hosts = "".join(f"    {name}: {{pixels_name: {name}}}\n" for name in NAMES)
    inventory.write_text(f"pixels:\n  hosts:\n{hosts}")
    return ("-i", str(inventory))


def states(truenas, *names):
    return [read(truenas, STATE, name=f"px-{name}") for name in names or NAMES]


def test_those_that_failed_are_put_back(ansible, truenas, fleet, tmp_path):
    key = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for name in NAMES:
        put(truenas, "/root/.ssh/authorized_keys", key.with_suffix(".pub").read_text(), name=f"px-{name}", mode=0o600)
    ansible.environment |= {"PIXELS_SSH_KEY": str(key), "PIXELS_SSH_PORT": str(truenas.ssh_port)}

    played = ansible.play(UPGRADE, *fleet)

    put_back = [each["host"] for each in played["results"] if each["task"] == "put back"]
    assert put_back == ["db"]
    assert [state.strip() for state in states(truenas)] == ["upgraded", "before", "upgraded"]
    assert {made.status for made in truenas.world.containers.values()} == {"RUNNING"}


def test_a_group_is_saved_put_back_and_cloned_by_playbooks(ansible, truenas, fleet):
    ansible.playbook("pixels.truenas.checkpoint", *fleet, "-e", "checkpoint_label=ready")
    for name in NAMES:
        put(truenas, STATE, "after", name=f"px-{name}")

    ansible.playbook("pixels.truenas.clone", *fleet, "-e", "clone_label=ready")
    ansible.playbook(
        "pixels.truenas.restore", *fleet, "-e", "restore_label=ready restore_safety=true", "--limit", "web,db"
    )

    assert states(truenas) == ["before", "before", "after"]
    clones = [f"{name}-clone" for name in NAMES]
    assert states(truenas, *clones) == ["before"] * 3
    assert {made.status for made in truenas.world.containers.values()} == {"RUNNING"}
    hostnames = [read(truenas, "/etc/hostname", name=f"px-{name}").strip() for name in clones]
    assert hostnames == [f"px-{name}" for name in clones]

    again = ansible.playbook("pixels.truenas.clone", *fleet, "-e", "clone_label=ready")
    assert not any(each["result"].get("changed") for each in again["results"])


def test_one_pixel_is_cloned_under_several_names(ansible, truenas, fleet):
    names = '{"clone_names": ["one", "two"]}'

    ansible.playbook("pixels.truenas.clone", *fleet, "--limit", "web", "-e", names)
    refused = ansible.playbook("pixels.truenas.clone", *fleet, "-e", names, check=False)

    assert states(truenas, "one", "two") == ["before", "before"]
    assert "choose it with --limit" in refused["text"]


def test_a_restore_without_a_label_guesses_nothing(ansible, truenas, fleet):
    assert "restore_label" in ansible.playbook("pixels.truenas.restore", *fleet, check=False)["text"]
