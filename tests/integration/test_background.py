# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of tasks in the background, whose hosts are pixels that could be logged in to."""

from __future__ import annotations

import shutil

import pytest

MIB = 1024 * 1024

PLAY = """
- hosts: pixels
  gather_facts: false
  tasks:
    - name: grow
      pixels.truenas.pixels_container:
        memory: 3GiB
      async: 60
      poll: {poll}
      register: growing
    - name: wait
      ansible.builtin.async_status:
        jid: "{{{{ growing.ansible_job_id }}}}"
      delegate_to: localhost
      until: job.finished
      register: job
      delay: 1
      retries: 30
      when: not growing.finished
"""


@pytest.fixture
def release():
    return "25.10"


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def provisioned(ansible, truenas, entering):
    """A pixel that lets Ansible in, as a host of an inventory."""
    ansible.run(
        *("ansible", "localhost", "-m", "pixels.truenas.pixels_container"),
        *("-a", "name=web provision=true wait=ssh"),
    )
    return entering


@pytest.mark.skipif(shutil.which("ssh") is None, reason="enters pixels by OpenSSH")
@pytest.mark.parametrize("poll", [0, 1])
def test_the_credential_does_not_go_to_the_pixel_that_is_the_host(ansible, truenas, provisioned, poll):
    secret = truenas.api_key.partition("-")[2]
    ansible.environment["ANSIBLE_KEEP_REMOTE_FILES"] = "1"
    variables = ("--extra-vars", f"pixels_nas_api_key={truenas.api_key}")

    played = ansible.play(PLAY.format(poll=poll), *provisioned, *variables)

    assert truenas.world.containers["px-web"].memory == 3072 * MIB
    assert [each["outcome"] for each in played["results"] if each["task"] == "grow"] == ["ok"]
    looked = ansible.run(
        *("ansible", *provisioned, "web", "-m", "pixels.truenas.pixels_exec"),
        *("-a", f"grep -rlF {secret} /root /tmp /var/tmp /home"),
        check=False,
    )
    assert "rc=1" in looked.stdout or '"rc": 1' in looked.stdout
    assert "AnsiballZ" not in looked.stdout


@pytest.mark.parametrize("engine", ["paper"])
def test_a_task_that_takes_too_long_is_given_up(ansible, truenas):
    truenas.faults.add("delay", method="virt.instance.create", seconds=6)

    played = ansible.play(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: make
      pixels.truenas.pixels_container:
        name: web
      async: 2
      poll: 1
""",
        check=False,
    )

    [made] = [each for each in played["results"] if each["task"] == "make"]
    assert made["outcome"] == "failed"
    # Ansible's own watch over it may be the first to notice.
    told = ("did not complete within the requested time", "Timeout exceeded")
    assert any(words in made["result"]["msg"] for words in told)


@pytest.mark.parametrize("engine", ["paper"])
def test_what_fails_there_fails_the_task(ansible, truenas):
    played = ansible.play(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: enter
      pixels.truenas.pixels_exec:
        name: gone
        cmd: uptime
      async: 30
      poll: 1
""",
        check=False,
    )

    [entered] = played["results"]
    assert entered["outcome"] == "failed"
    assert "no pixel named gone" in entered["result"]["msg"]
