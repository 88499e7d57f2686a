# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often whole runs of Ansible log in."""

from __future__ import annotations

import pytest

LOOKS = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Look thirty times
      pixels.truenas.pixels_container_info:
      loop: "{{ range(30) | list }}"
- hosts: all
  gather_facts: false
  tasks:
    - name: Look from many workers at once
      pixels.truenas.pixels_container_info:
      delegate_to: localhost
"""


@pytest.fixture
def release() -> str:
    return "25.10"


def test_a_playbook_and_the_commands_after_it_log_in_once(ansible, truenas):
    played = ansible.play(LOOKS, "--forks", "10", "--inventory", ",".join(f"host{number}" for number in range(10)))
    ansible.run("ansible", "localhost", "-m", "pixels.truenas.pixels_container_info")

    assert {result["outcome"] for result in played["results"]} == {"ok"}
    assert truenas.stats.calls["virt.instance.query"] >= 41
    # Not once for each item of the loop: once for each worker, and again where that takes long.
    assert truenas.stats.calls["virt.global.config"] <= 20
    assert (truenas.stats.logins, truenas.stats.connections) == (1, 1)


def test_a_task_may_log_in_by_itself(ansible, truenas):
    ansible.run("ansible", "localhost", "-m", "pixels.truenas.pixels_container_info", "-a", "session=direct")
    ansible.run("ansible", "localhost", "-m", "pixels.truenas.pixels_container_info", "-a", "session_idle=0")

    assert truenas.stats.logins == 2


@pytest.mark.parametrize("poll", ["0", "1"])
def test_tasks_in_the_background_share_the_session(ansible, truenas, poll):
    # On a machine that has more to do, each of these commands takes a while.
    ansible.environment["PIXELS_SESSION_IDLE"] = "20"
    task = "pixels.truenas.pixels_container_info"
    for _number in range(2):
        ansible.run("ansible", "localhost", "-B", "30", "-P", poll, "-m", task)
    ansible.run("ansible", "localhost", "-m", task)

    ansible.await_jobs()
    assert truenas.stats.calls["virt.instance.query"] == 3
    assert truenas.stats.logins == 1
