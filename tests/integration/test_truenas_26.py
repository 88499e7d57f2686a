# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the life cycle of a pixel on TrueNAS 26, with modules and the connection plugin."""

from __future__ import annotations

import subprocess

import pytest

CREATE = """
- name: Create, provision and check a pixel
  hosts: localhost
  gather_facts: false
  module_defaults:
    group/pixels.truenas.pixels:
      ssh_port: "{{ ssh_port }}"
  tasks:
    - name: Create the pixel
      pixels.truenas.pixels_container:
        name: web
        image: debian/12
        cpu: 0-1
        labels: {role: front}
        wait: running
      register: made
    - name: Run a command through the web shell before provisioning
      pixels.truenas.pixels_exec:
        name: web
        transport: shell
        argv: [sh, -c, "hostname; cat; echo error >&2; exit 3"]
        stdin: in
      register: said
      failed_when: said.rc != 3
    - name: Create a checkpoint
      pixels.truenas.pixels_checkpoint:
        name: web
        label: fresh
    - name: Provision the pixel through the web shell
      pixels.truenas.pixels_container:
        name: web
        provision: {public_keys: ["{{ public_key }}"]}
        wait: ssh
      register: provisioned
    - name: Provision the pixel again
      pixels.truenas.pixels_container:
        name: web
        cpu: 0-1
        labels: {role: front}
        provision: {public_keys: ["{{ public_key }}"]}
        wait: ssh
      register: again
    - name: Run a command over SSH
      pixels.truenas.pixels_exec:
        name: web
        transport: ssh
        ssh_key: "{{ private_key }}"
        cmd: id -un
      register: over_ssh
"""

INSIDE = """
- name: Run modules of Ansible through the web shell
  hosts: pixels
  gather_facts: false
  vars:
    ansible_python_interpreter: /usr/bin/python3
  tasks:
    - name: Write a file
      ansible.builtin.copy:
        content: "{{ inventory_hostname }}"
        dest: /etc/pixel-of-26
        mode: "0644"
    - name: Read the file
      ansible.builtin.command: cat /etc/pixel-of-26
      changed_when: false
      register: content
    - name: Restore the checkpoint
      pixels.truenas.pixels_checkpoint_restore:
        label: fresh
        wait: ready
    - name: Reset the connection
      ansible.builtin.meta: reset_connection
    - name: Check for the file
      ansible.builtin.raw: test ! -e /etc/pixel-of-26
      changed_when: false
"""

DESTROY = """
- name: Destroy the pixel
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Destroy the pixel with its checkpoints
      pixels.truenas.pixels_container:
        name: web
        state: absent
"""


@pytest.fixture
def release() -> str:
    # On the release candidate, pixels have no checkpoints.
    return "26.0.0-BETA.3"


@pytest.fixture
def engine() -> str:
    return "process"


@pytest.fixture
def variables(truenas, tmp_path) -> list[str]:
    key = tmp_path / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    (tmp_path / "all.pixels.yml").write_text("plugin: pixels.truenas.pixels\nconnect_with: shell\n")
    return [
        *("-e", f"ssh_port={truenas.ssh_port}", "-e", f"private_key={key}", "-e", f'{{"public_key": "{public}"}}'),
    ]


def outcome(played, task):
    return next(each["result"] for each in played["results"] if each["task"] == task and each["outcome"] != "diff")


def test_a_pixel_lives_from_an_image_to_its_end(ansible, truenas, variables, tmp_path):
    played = ansible.play(CREATE, *variables)

    web = truenas.world.domains["px-web"]
    assert outcome(played, "Create the pixel")["container"]["cpu"] == "0-1"
    output = outcome(played, "Run a command through the web shell before provisioning")
    assert (output["stdout"], output["stderr"]) == ("px-web\nin", "error")
    assert outcome(played, "Provision the pixel through the web shell")["changed"]
    assert not outcome(played, "Provision the pixel again")["changed"]
    assert outcome(played, "Run a command over SSH")["stdout"]
    assert (web.status, web.cpu, web.autostart) == ("RUNNING", "0-1", True)
    assert [each.attributes["dtype"] for each in web.devices] == ["NIC"]

    entered = ansible.play(INSIDE, "-i", str(tmp_path / "all.pixels.yml"))

    assert outcome(entered, "Read the file")["stdout"] == "web"
    assert outcome(entered, "Check for the file")["rc"] == 0

    ansible.play(DESTROY)

    assert truenas.world.containers == {}
    assert not truenas.world.storage.zfs.exists("tank/.truenas_containers/containers/px-web")
    assert truenas.stats.logins == 1
