# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of tasks in the background, whose hosts are pixels that could be logged in to."""

from __future__ import annotations

import shutil

import pytest

from tests.unit.plugins.conftest import put

MIB = 1024 * 1024

PLAY = """
- hosts: pixels
  gather_facts: false
  tasks:
    - name: grow and wait
      pixels.truenas.pixels_container:
        memory: 3GiB
      async: 60
      poll: 1
    - name: grow
      pixels.truenas.pixels_container:
        memory: 4GiB
      async: 60
      poll: 0
      register: growing
    - name: wait
      ansible.builtin.async_status:
        jid: "{{ growing.ansible_job_id }}"
      delegate_to: localhost
      until: job.finished
      register: job
      delay: 1
      retries: 30
"""
THAT_FAIL = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: make
      pixels.truenas.pixels_container:
        name: web
      async: 1
      poll: 1
      ignore_errors: true
    - name: refuse
      pixels.truenas.pixels_container:
        name: we_b
      async: 30
      poll: 1
"""


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture
def ssh_installed():
    return True


@pytest.mark.skipif(shutil.which("ssh") is None, reason="enters pixels by OpenSSH")
@pytest.mark.parametrize("engine", ["process"])
@pytest.mark.wide
def test_the_credential_does_not_go_to_the_pixel_that_is_the_host(ansible, truenas, entering, tmp_path):
    truenas.world.add_container("px-web")
    put(truenas, "/root/.ssh/authorized_keys", (tmp_path / "id_ed25519.pub").read_text(), mode=0o600)
    secret = truenas.api_key.partition("-")[2]
    ansible.environment["ANSIBLE_KEEP_REMOTE_FILES"] = "1"

    played = ansible.play(PLAY, *entering, "--extra-vars", f"pixels_nas_api_key={truenas.api_key}")

    assert truenas.world.containers["px-web"].memory == 4096 * MIB
    changed = [each["task"] for each in played["results"] if each["result"].get("changed")]
    assert changed == ["grow and wait", "grow", "wait"]
    looked = truenas.run(
        truenas.world.engine.run(
            "px-web", ["grep", "-rlF", "-e", secret, "-e", "AnsiballZ", *"/root /tmp /home".split()]
        )
    )
    assert (looked.returncode, looked.stdout) == (1, b"")
    # Ansible itself, the inventory and the tasks in the background share one session.
    assert truenas.stats.logins == 1


@pytest.mark.wide
def test_a_task_that_takes_too_long_is_given_up_and_what_fails_there_fails_the_task(ansible, truenas):
    truenas.faults.add("delay", method="virt.instance.create", seconds=6)

    played = ansible.play(THAT_FAIL, check=False)

    made, refused = played["results"]
    assert (made["outcome"], refused["outcome"]) == ("failed", "failed")
    # Ansible's own watch over it may be the first to notice.
    timeouts = ("did not complete within the requested time", "Timeout exceeded")
    assert any(words in made["result"]["msg"] for words in timeouts)
    assert "invalid pixel name 'we_b'" in refused["result"]["msg"]
