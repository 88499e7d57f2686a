# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays over pixels that have no SSH server, no key and no address: through the shell of the NAS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.plugins.conftest import users_of_its_own

PLAY = """
- hosts: pixels
  tasks:
    - name: Run a command
      ansible.builtin.command: hostname
      register: hostname
    - name: It ran in the pixel of the host
      ansible.builtin.assert:
        that: hostname.stdout == pixels_full_name
    - name: Copy a file
      ansible.builtin.copy: {content: "one\\ntwo", dest: /etc/copied, mode: "0640"}
    - name: Copy it again
      ansible.builtin.copy: {content: "one\\ntwo", dest: /etc/copied, mode: "0640"}
      register: again
    - name: Nothing changed
      ansible.builtin.assert:
        that: not again.changed
    - name: Fetch it
      ansible.builtin.fetch: {src: /etc/copied, dest: "{{ fetched }}/"}
    - name: Render a template
      ansible.builtin.template: {src: "{{ template }}", dest: /etc/rendered}
    - name: Install a package
      ansible.builtin.raw: apt-get update -qq && apt-get install -y openssh-server
    - name: Work in the background
      ansible.builtin.command: sleep 0.5
      async: 30
      poll: 1
    - name: Wait for the connection
      ansible.builtin.wait_for_connection:
    - name: Leave
      ansible.builtin.meta: reset_connection
    - name: Come back
      ansible.builtin.ping:
"""


BECOME = """
- hosts: pixels
  gather_facts: false
  tasks:
    - name: Become somebody else
      ansible.builtin.command: id -un
      become: true
      become_user: ubuntu
      become_method: ansible.builtin.su
      register: who
    - name: It is somebody else
      ansible.builtin.assert:
        that: who.stdout == "ubuntu"
"""


@pytest.fixture
def engine() -> str:
    return "process"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "all.pixels.yml"
    path.write_text(
        "plugin: pixels.truenas.pixels\n"
        "connect_with: shell\n"
        "compose: {ansible_python_interpreter: \"'/usr/bin/python3'\"}\n"
    )
    return path


@pytest.fixture
def without_ssh(truenas):
    """Two pixels that nobody reaches over a network."""
    truenas.world.options.address_seconds = 3600
    for name in ("px-web", "px-db"):
        truenas.world.add_container(name)


def test_modules_of_ansible_run_in_pixels_without_ssh(ansible, truenas, without_ssh, inventory, tmp_path):
    (tmp_path / "template.j2").write_text("{{ inventory_hostname }}\n")

    played = ansible.play(
        PLAY,
        *("--inventory", str(inventory), "--extra-vars", f"fetched={tmp_path}/fetched template={tmp_path}/template.j2"),
    )

    assert {result["outcome"] for result in played["results"]} == {"ok"}
    for name in ("web", "db"):
        assert (tmp_path / f"fetched/{name}/etc/copied").read_text() == "one\ntwo"
    assert truenas.stats.logins == 1
    assert truenas.stats.shells == 2


@users_of_its_own
@pytest.mark.parametrize("release", ["25.10"])
def test_a_task_may_become_somebody_else(ansible, truenas, without_ssh, inventory):
    played = ansible.play(BECOME, "--inventory", str(inventory))

    assert {result["outcome"] for result in played["results"]} == {"ok"}


@pytest.mark.parametrize("release", ["25.10"])
def test_any_number_of_forks_shares_one_login(ansible, truenas, inventory):
    for number in range(8):
        truenas.world.add_container(f"px-agent-{number}")

    ended = ansible.run("ansible", "-i", str(inventory), "pixels", "--forks", "8", "-m", "raw", "-a", "hostname")

    assert ended.stdout.count("| CHANGED | rc=0") == 8
    assert (truenas.stats.logins, truenas.stats.shells) == (1, 8)


@pytest.mark.parametrize("release", ["25.10"])
def test_a_pixel_that_is_down_is_unreachable_and_the_others_go_on(ansible, truenas, inventory):
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-down", "STOPPED")

    ended = ansible.run("ansible", "-i", str(inventory), "pixels", "-m", "raw", "-a", "hostname", check=False)

    assert "web | CHANGED" in ended.stdout
    assert "down | UNREACHABLE!" in ended.stdout
    assert "is stopped: start it first" in ended.stdout
    assert truenas.api_key not in ended.stdout + ended.stderr


VARIABLES = """
- hosts: pixels
  gather_facts: false
  vars:
    pixels_environment: {TOKEN: "it's sesame"}
  tasks:
    - name: Look
      ansible.builtin.raw: echo "$TOKEN|$MODE"; cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'ses[a]me'
      failed_when: false
      register: raw
    - name: Look by a module
      ansible.builtin.command: printenv TOKEN MODE
      register: module
    - name: Both had them and nobody else
      ansible.builtin.assert:
        that:
          - raw.stdout_lines == ["it's sesame|fast", "0"]
          - module.stdout_lines == ["it's sesame", "fast"]
"""


@pytest.mark.parametrize("release", ["25.10"])
def test_every_task_has_the_variables_of_the_session(ansible, truenas, without_ssh, inventory, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(
        '[env]\nMODE = {value = "fast", session_only = true}\nTOKEN = {value = "no", session_only = true}\n'
    )
    ansible.environment["PIXELS_CONFIG"] = str(config)

    played = ansible.play(VARIABLES, "--inventory", str(inventory))

    assert {result["outcome"] for result in played["results"]} == {"ok"}
