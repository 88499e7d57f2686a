# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test plays over pixels with the inventory plugin and Ansible's own SSH."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from tests.unit.forwarding import ADDRESS, forwarded

STARTED = """
- hosts: db
  gather_facts: false
  tasks:
    - name: Start the pixel
      pixels.truenas.pixels_container:
        state: started
        wait: ssh
    - name: Run a command in the pixel
      ansible.builtin.raw: uname -n
      register: entered
      failed_when: "'px-db' not in entered.stdout"
"""

# Logs its use, and forwards the connection.
THROUGH = """\
import os, select, socket, sys
open(sys.argv[1], "a").write(sys.argv[2] + "\\n")
there = socket.create_connection((sys.argv[2], int(sys.argv[3])))
while True:
    for ready in select.select([0, there], [], [])[0]:
        content = os.read(0, 65536) if ready == 0 else there.recv(65536)
        if not content:
            sys.exit()
        there.sendall(content) if ready == 0 else os.write(1, content)
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
def key(entering, ansible):
    """Return the public half of the key of Ansible."""
    with open(f"{ansible.environment['PIXELS_SSH_KEY']}.pub", encoding="utf-8") as file:
        return file.read()


@pytest.fixture
def add(truenas, key):
    """Return a function that creates a pixel with the key."""

    def make(name, status="RUNNING"):
        made = truenas.world.add_container(f"px-{name}", status=status)
        truenas.run(
            truenas.world.engine.write_file(
                f"px-{name}", "/root/.ssh/authorized_keys", key.encode(), append=False, mode=0o600, uid=0, gid=0
            )
        )
        return made

    return make


@pytest.fixture
def ssh(ansible, tmp_path):
    """Replace `ssh` by a script that logs its arguments and runs it; return the log."""
    real = subprocess.run(["which", "ssh"], capture_output=True, text=True, check=True).stdout.strip()
    program, notes = tmp_path / "ssh", tmp_path / "notes"
    program.write_text(f'#!/bin/sh\necho "$@" >>{notes}\nexec {real} "$@"\n')
    program.chmod(0o755)
    ansible.environment["ANSIBLE_SSH_EXECUTABLE"] = str(program)
    return notes


def enter(ansible, entering, pattern="pixels", **how):
    return ansible.run("ansible", *entering, pattern, "-m", "ansible.builtin.raw", "-a", "uname -n", **how)


def test_a_pixel_without_an_address_is_unreachable_with_the_reason(ansible, entering, add, ssh):
    add("web")
    add("off", status="STOPPED")
    add("lost").aliases = []

    ended = enter(ansible, entering, check=False)

    assert "web | CHANGED | rc=0" in ended.stdout
    assert "off | UNREACHABLE!" in ended.stdout
    assert "lost | UNREACHABLE!" in ended.stdout
    assert "off on" in ended.stdout
    assert "is stopped" in ended.stdout
    assert "reports no address for it" in ended.stdout
    called = ssh.read_text()
    assert "HostKeyAlias=px-web" in called
    assert "px-off" not in called
    assert " off " not in called
    assert " lost " not in called


def test_a_play_can_start_a_pixel_and_connect_to_it(ansible, entering, add):
    add("db", status="STOPPED")

    played = ansible.play(STARTED, *entering)

    assert {result["outcome"] for result in played["results"]} == {"ok"}


def test_ansible_connects_to_a_pixel_with_ipv6_only(ansible, entering, add, truenas):
    made = add("web")
    with forwarded((made.aliases[0]["address"], truenas.ssh_port)) as port:
        made.aliases = [{"type": "INET6", "address": ADDRESS, "netmask": 128}]
        ansible.environment["PIXELS_SSH_PORT"] = str(port)

        assert "px-web" in enter(ansible, entering).stdout


def test_group_vars_override_arguments_and_user_and_the_host_key_stays_pinned(ansible, entering, add, tmp_path, ssh):
    made = add("web")
    (tmp_path / "through.py").write_text(THROUGH)
    (tmp_path / "group_vars").mkdir()
    proxy = f"{sys.executable} {tmp_path}/through.py {tmp_path}/used %h %p"
    (tmp_path / "group_vars/pixels.yml").write_text(
        yaml.safe_dump({"ansible_ssh_common_args": f"-o 'ProxyCommand={proxy}'", "ansible_user": "alice"})
    )

    refused = enter(ansible, entering, check=False)
    accepted = enter(ansible, (*entering, "-e", "ansible_user=root"))

    assert "web | UNREACHABLE!" in refused.stdout
    assert 'User="alice"' in ssh.read_text()
    assert "px-web" in accepted.stdout
    assert (tmp_path / "used").read_text().split() == [made.aliases[0]["address"]] * 2
    assert "px-web." in (tmp_path / ".local/state/pixels/known_hosts").read_text()


def test_the_list_has_plain_connection_variables(ansible, entering, add, truenas):
    made = add("web")

    listed = json.loads(ansible.run("ansible-inventory", *entering, "--list").stdout)

    web = listed["_meta"]["hostvars"]["web"]
    assert (web["ansible_host"], web["ansible_user"]) == (made.aliases[0]["address"], "root")
    assert web.get("ansible_port", 22) == truenas.ssh_port
    assert "__ansible_unsafe" not in json.dumps(listed)


def test_the_key_that_was_installed_is_offered_from_a_home_that_passwd_does_not_have(ansible, entering, add, tmp_path):
    add("web")
    (tmp_path / ".ssh").mkdir(mode=0o700)
    for suffix in ("", ".pub"):
        (tmp_path / f"id_ed25519{suffix}").rename(tmp_path / f".ssh/id_ed25519{suffix}")
    del ansible.environment["PIXELS_SSH_KEY"]

    assert "px-web" in enter(ansible, entering).stdout
