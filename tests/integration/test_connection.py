# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays over pixels that have no SSH server, no key and no address: through the shell of the NAS."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.simulator.engines.process.image_builder import Ids
from tests.unit.plugins.conftest import users_of_its_own

# Beside the modules, which take most of the time: variables of plays, of group_vars, of the session and of containers.
PLAY = """
- hosts: pixels
  gather_facts: false
  tasks:
    - name: Run a command
      ansible.builtin.raw: uname -n
      register: hostname
    - name: Check that the command ran in the pixel of the host
      ansible.builtin.assert:
        that: hostname.stdout_lines == [pixels_full_name]
- hosts: web
  module_defaults:
    ansible.builtin.setup: {gather_subset: [min]}
  vars:
    pixels_environment: {TOKEN: "it's sesame"}
  tasks:
    - name: Check the facts
      ansible.builtin.assert:
        that: ansible_facts.hostname == pixels_full_name
    - name: Copy a file
      ansible.builtin.copy: {content: "one\\ntwo", dest: /etc/copied, mode: "0640"}
    - name: Fetch the file
      ansible.builtin.fetch: {src: /etc/copied, dest: "{{ fetched }}/"}
    - name: Install a package
      ansible.builtin.raw: apt-get update -qq && apt-get install -y openssh-server
    - name: Run a command in the background
      ansible.builtin.command: "true"
      async: 30
      poll: 1
    - name: Reset the connection
      ansible.builtin.meta: reset_connection
    - name: Read the variables with a command
      ansible.builtin.raw: echo "$TOKEN|$MODE"; cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'ses[a]me'
      failed_when: false
      register: raw
    - name: Read the variables with a module
      ansible.builtin.command: printenv TOKEN MODE
      register: module
    - name: Check that only the commands have the variables
      ansible.builtin.assert:
        that:
          - raw.stdout_lines == ["it's sesame|fast", "0"]
          - module.stdout_lines == ["it's sesame", "fast"]
    - name: Run a command as another user
      ansible.builtin.command: id -un
      become: true
      become_user: ubuntu
      become_method: ansible.builtin.su
      register: ubuntu
      when: users_of_its_own
    - name: Check the user
      ansible.builtin.assert:
        that: ubuntu.stdout == "ubuntu"
      when: users_of_its_own
    - name: Run a command as root where there is no sudo
      ansible.builtin.command: id -un
      become: true
      register: root
    - name: Check that no sudo was needed
      ansible.builtin.assert:
        that: root.stdout == "root"
- hosts: db
  gather_facts: false
  tasks:
    - name: Read the variables through the plugin
      ansible.builtin.raw: echo $OF $MODE $OWN
      register: by_plugin
    - name: Read the variables through the module
      pixels.truenas.pixels_exec: {cmd: "sh -c 'echo $OF $MODE $OWN; uname -n'", transport: shell}
      delegate_to: localhost
      register: by_module
    - name: Check that group_vars win over the session, and that over the container
      ansible.builtin.assert:
        that:
          - by_plugin.stdout_lines == ["group_vars fast container"]
          - by_module.stdout_lines == ["group_vars fast container", "px-db"]
"""


@pytest.fixture
def release() -> str:
    return "25.10"


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
    """Create two pixels that cannot be reached over a network."""
    truenas.world.options.address_seconds = 3600
    truenas.world.add_container("px-web")
    truenas.world.add_container("px-db", environment={"OF": "container", "MODE": "container", "OWN": "container"})


def session_variables(ansible, folder: Path, **variables: str) -> None:
    config = folder / "config.toml"
    lines = [f'{name} = {{value = "{value}", session_only = true}}\n' for name, value in variables.items()]
    config.write_text(f"[env]\n{''.join(lines)}")
    ansible.environment["PIXELS_CONFIG"] = str(config)


@pytest.mark.wide
def test_modules_of_ansible_run_in_pixels_without_ssh(ansible, truenas, without_ssh, inventory, tmp_path):
    session_variables(ansible, tmp_path, MODE="fast", TOKEN="no", OF="env")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text("pixels_environment: {OF: group_vars}\n")
    truenas.run(truenas.world.engine.run("px-web", ["rm", "-f", "/usr/bin/sudo"]))
    variables = {"fetched": f"{tmp_path}/fetched", "users_of_its_own": Ids.here().number > 1}

    played = ansible.play(PLAY, "--inventory", str(inventory), "--extra-vars", json.dumps(variables))

    outcomes = {result["outcome"] for result in played["results"]}
    assert outcomes == {"ok"} or (outcomes == {"ok", "skipped"} and Ids.here().number == 1)
    assert (tmp_path / "fetched/web/etc/copied").read_text() == "one\ntwo"
    # The module runs through the session and the shell that the plugin has opened.
    assert (truenas.stats.logins, truenas.stats.shells) == (1, 2)


def test_any_number_of_forks_shares_one_login_and_one_that_is_down_keeps_none_of_them(ansible, truenas, inventory):
    for number in range(8):
        truenas.world.add_container(f"px-agent-{number}")
    truenas.world.add_container("px-down", "STOPPED")

    ended = ansible.run(
        "ansible", "-i", str(inventory), "pixels", "--forks", "9", "-m", "raw", "-a", "hostname", check=False
    )

    assert ended.stdout.count("| CHANGED | rc=0") == 8
    assert (truenas.stats.logins, truenas.stats.shells) == (1, 8)
    assert "down | UNREACHABLE!" in ended.stdout
    assert "is stopped: start it first" in ended.stdout
    assert truenas.api_key not in ended.stdout + ended.stderr


STATIC = ("-i", "web,", "web", "-c", "pixels.truenas.pixels")

ADDED = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Add a host
      ansible.builtin.add_host: {name: web, ansible_connection: pixels.truenas.pixels, ansible_port: 2222}
- hosts: web
  gather_facts: false
  port: 2222
  environment: {GREETING: hello}
  tasks:
    - name: Run a command
      ansible.builtin.command: sh -c 'echo "$(uname -n) $GREETING"'
      register: look
      timeout: 60
      retries: 2
    - name: Check that the command ran in the pixel
      ansible.builtin.assert:
        that: look.stdout_lines == ["px-web hello"]
"""


def test_a_host_that_a_play_adds_is_the_pixel_of_its_name(ansible, truenas, without_ssh):
    ansible.environment["ANSIBLE_PYTHON_INTERPRETER"] = "/usr/bin/python3"

    played = ansible.play(ADDED)

    assert {result["outcome"] for result in played["results"]} == {"ok"}


def test_the_password_of_guests_never_goes_to_the_nas(ansible, truenas, without_ssh, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("sesame\n")
    del ansible.environment["PIXELS_TRUENAS_API_KEY"]

    ended = ansible.run(
        "ansible", *STATIC, "--connection-password-file", str(secret), "-m", "raw", "-a", "true", check=False
    )

    assert "UNREACHABLE" in ended.stdout
    assert "api_key" in ended.stdout + ended.stderr
    assert truenas.stats.connections == 0


HOSTS = """
web
db
host1 ansible_host=px-web
host2 ansible_host=px-db
mail ansible_host=192.0.2.1
dns ansible_host=192.0.2.2
pixel1 pixels_name=web
pixel2 pixels_name=db
[all:vars]
ansible_connection=pixels.truenas.pixels
"""
DELEGATED = """
- hosts: {here}
  gather_facts: false
  tasks:
    - name: Run a command in the other pixel
      {module}: uname -n
      delegate_to: {there}
    - name: Run a command in the pixel of the play
      {module}: uname -n
"""
LOOP = """
- hosts: web
  gather_facts: false
  tasks:
    - name: Run a command in each pixel
      ansible.builtin.raw: uname -n
      delegate_to: "{{ item }}"
      loop: [web, db]
"""


@pytest.mark.wide
def test_a_task_runs_in_the_pixel_that_it_is_delegated_to(ansible, truenas, without_ssh, tmp_path):
    for name in ("px-mail", "px-dns"):
        truenas.world.add_container(name)
    inventory = tmp_path / "hosts.ini"
    inventory.write_text(HOSTS)
    ansible.environment["PIXELS_TRANSPORT"] = "shell"
    # Two hosts each, by what says which pixel they are.
    pairs = [("web", "db"), ("host1", "host2"), ("mail", "dns"), ("pixel1", "pixel2")]
    plays = [
        DELEGATED.format(module=module, there=there, here=here)
        for module in ("ansible.builtin.raw", "pixels.truenas.pixels_exec")
        for there, here in pairs
    ]

    played = ansible.play("".join(plays) + LOOP, "--inventory", str(inventory))

    *single, loop = [each["result"] for each in played["results"]]
    expected = ["px-web", "px-db"] * 2 + ["px-mail", "px-dns", "px-web", "px-db"]
    assert [result["stdout"].strip() for result in single] == expected * 2
    assert [result["stdout"].strip() for result in loop["results"]] == ["px-web", "px-db"]


def test_minus_vvv_shows_what_is_done_and_no_secret(ansible, truenas, without_ssh, tmp_path):
    ansible.environment["ANSIBLE_PYTHON_INTERPRETER"] = "/usr/bin/python3"
    secrets = ("-e", '{"pixels_environment": {"TOKEN": "sesame"}}', "-e", "ansible_become_password=opensesame")

    output = ansible.run("ansible", *STATIC, "-vvv", *secrets, "-b", "-m", "command", "-a", "uname -n").stdout
    fetched = ansible.run(
        "ansible", *STATIC, "-vvv", *secrets, "-m", "fetch", "-a", f"src=/etc/hostname dest={tmp_path}/fetched/"
    ).stdout

    assert "px-web" in output
    for line in ("<web> SESSION shared WITH ", "<web> ESTABLISH CONNECTION FOR USER: root THROUGH THE WEB SHELL"):
        assert line in output
    assert "<web> EXEC /bin/sh -c " in output
    assert "<web> PUT " in output
    assert "<web> FETCH /etc/hostname TO " in fetched
    assert not any(secret in output + fetched for secret in ("sesame", truenas.api_key))


AS_ALICE = """
- hosts: ssh_right
  gather_facts: false
  tasks:
    - name: Wait until the SSH server of the guest has started
      ansible.builtin.wait_for_connection: {sleep: 1}
- hosts: all
  gather_facts: false
  become: true
  become_method: ansible.builtin.su
  tasks:
    - name: Become root
      ansible.builtin.command: id -un
      ignore_errors: true
- hosts: ssh_right
  gather_facts: false
  tasks:
    - name: Enter
      ansible.builtin.raw: id -un
    - name: Enter by the module
      pixels.truenas.pixels_exec: {cmd: id -un, transport: ssh}
"""
TRANSPORTS = ("shell", "ssh", "auto")


@users_of_its_own
@pytest.mark.wide
def test_user_key_and_become_password_count_over_every_transport(ansible, truenas, entering, tmp_path):
    truenas.world.engine.ssh_installed = True
    truenas.world.add_container("px-web")
    public = (tmp_path / "id_ed25519.pub").read_text()
    # The zfs-fuse of the lab lets only root write to its file systems, so the home is not in one.
    make = (
        "useradd -m -d /run/alice alice && echo root:open | chpasswd && cd ~alice && mkdir -m 700 .ssh && "
        "cat >.ssh/authorized_keys && chown -R alice: .ssh"
    )
    made = truenas.run(truenas.world.engine.run("px-web", ["sh", "-c", make], stdin=public.encode()))
    assert made.returncode == 0, made.stderr
    del ansible.environment["PIXELS_SSH_KEY"]
    ansible.environment["ANSIBLE_PYTHON_INTERPRETER"] = "/usr/bin/python3"
    hosts = [
        f"{transport}_{which} pixels_transport={transport} ansible_become_password={password}"
        for transport in TRANSPORTS
        for which, password in (("right", "open"), ("wrong", "shut"))
    ]
    (tmp_path / "hosts.ini").write_text(
        "\n".join(hosts) + "\n[all:vars]\nansible_host=px-web\nansible_connection=pixels.truenas.pixels\n"
        f"ansible_port={truenas.ssh_port}\n"
    )

    played = ansible.play(
        AS_ALICE,
        *("-i", str(tmp_path / "hosts.ini"), "-u", "alice", "--private-key", str(tmp_path / "id_ed25519")),
        *("--forks", str(len(hosts))),
    )

    # alice has no password, so su would fail. Ansible does not run it, because tasks run as alice anyway.
    as_alice = ("-u", "alice", "-b", "--become-user", "alice", "--become-method", "su")
    itself = ansible.run("ansible", *STATIC, *as_alice, "-m", "command", "-a", "id -un")

    assert itself.stdout.splitlines() == ["web | CHANGED | rc=0 >>", "alice"]
    became = {each["host"]: each for each in played["results"] if each["task"] == "Become root"}
    for transport in TRANSPORTS:
        assert became[f"{transport}_right"]["result"]["stdout"] == "root"
        assert became[f"{transport}_wrong"]["outcome"] == "failed"
        assert "Incorrect su password" in became[f"{transport}_wrong"]["result"]["msg"]
    entered = [each["result"]["stdout"].strip() for each in played["results"] if each["task"].startswith("Enter")]
    assert entered == ["alice"] * 2
