# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the number of logins of playbook runs."""

from __future__ import annotations

import pytest

LOOKS = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: List the pixels thirty times
      pixels.truenas.pixels_container_info:
      loop: "{{ range(30) | list }}"
- hosts: all
  gather_facts: false
  tasks:
    - name: List the pixels from many workers
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
    # The configuration is read once per worker, and again after a while, but not once per item of the loop.
    assert truenas.stats.calls["virt.global.config"] <= 20
    assert (truenas.stats.logins, truenas.stats.connections) == (1, 1)


def test_a_task_may_log_in_by_itself(ansible, truenas):
    ansible.play(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - pixels.truenas.pixels_container_info: {session: direct}
    - pixels.truenas.pixels_container_info: {session_idle: 0}
"""
    )

    assert truenas.stats.logins == 2
