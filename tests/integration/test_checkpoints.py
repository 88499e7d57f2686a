# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the playbooks for checkpoints, restores and clones, on running pixels."""

from __future__ import annotations

import subprocess

import pytest

from tests.integration.conftest import imported
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
def release():
    return "25.10"


@pytest.fixture
def ssh_installed():
    return True


@pytest.fixture
def fleet(truenas, tmp_path):
    """Return a static inventory of three pixels."""
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


AFTER = """
- hosts: pixels
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_exec: {argv: [sh, -c, "echo after > /root/state"], transport: shell}
"""


def test_a_group_is_saved_put_back_and_cloned_by_playbooks(ansible, truenas, fleet):
    cloned = imported("clone", clone_label="ready")
    restored = imported("restore", restore_hosts="web:db", restore_label="ready", restore_safety=True)

    played = ansible.play(imported("checkpoint", checkpoint_label="ready") + AFTER + cloned + restored + cloned, *fleet)

    assert [state.strip() for state in states(truenas)] == ["before", "before", "after"]
    clones = [f"{name}-clone" for name in NAMES]
    assert states(truenas, *clones) == ["before"] * 3
    assert {made.status for made in truenas.world.containers.values()} == {"RUNNING"}
    hostnames = [read(truenas, "/etc/hostname", name=f"px-{name}").strip() for name in clones]
    assert hostnames == [f"px-{name}" for name in clones]
    changed = [each["result"]["changed"] for each in played["results"] if each["task"] == "Clone the pixel"]
    assert changed == [True] * 3 + [False] * 3


@pytest.mark.wide
def test_one_pixel_is_cloned_under_several_names_and_nothing_is_guessed(ansible, truenas, fleet):
    names = ["one", "two"]

    unlabeled = ansible.play(
        imported("clone", clone_hosts="web", clone_names=names) + imported("restore"), *fleet, check=False
    )
    unlimited = ansible.play(imported("clone", clone_names=names), *fleet, check=False)

    assert states(truenas, "one", "two") == ["before", "before"]
    assert "restore_label is not set" in unlabeled["text"]
    assert "Select it with --limit" in unlimited["text"]
