# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the role provision on real systems, with their package manager and init system."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.unit.plugins.conftest import read

NAME = "web"


@pytest.fixture
def engine() -> str:
    return "process"


@pytest.fixture
def release() -> str:
    return "25.10"


@pytest.fixture
def provision(ansible, truenas, tmp_path, pytestconfig):
    if pytestconfig.getoption("--engine") != "lxc":
        pytest.skip("takes a real system, which the lab has (make lab)")
    truenas.world.add_container(f"px-{NAME}")
    config = tmp_path / "config.toml"
    config.write_text('[env]\nGREETING = "of no account"\nPLANET = "earth"\nTOKEN = {forward = true}\n')
    ansible.environment["PIXELS_CONFIG"] = str(config)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    (tmp_path / "all.pixels.yml").write_text("plugin: pixels.truenas.pixels\nconnect_with: shell\n")
    variables = (
        '{"ansible_python_interpreter": "/usr/bin/python3", "provision_environment": {"GREETING": "hello there"}, '
        f'"provision_packages": ["tree"], "provision_public_keys": ["{(tmp_path / "key.pub").read_text().strip()}"]}}'
    )

    def run(*options):
        played = ansible.playbook(
            "pixels.truenas.provision", "-i", str(tmp_path / "all.pixels.yml"), "-e", variables, *options
        )
        return [result["task"] for result in played["results"] if result["result"].get("changed")]

    return run


@pytest.mark.timeout(600)
def test_a_bare_system_becomes_one_to_work_in_and_stays_it(provision, ansible, truenas, tmp_path):
    ansible.run(
        *("ansible", "-i", str(tmp_path / "all.pixels.yml"), NAME, "-m", "wait_for_connection"),
        *("-e", "ansible_python_interpreter=/usr/bin/python3"),
    )

    predicted = provision("--check")

    changed = provision()

    assert changed
    assert predicted == changed
    assert provision() == []
    look = "id -un; sudo -n id -un; tree --version; grep AcceptEnv /etc/ssh/sshd_config.d/pixels.conf"
    message = as_user(ansible, truenas, tmp_path, f'{look}; echo "$GREETING, $PLANET"').splitlines()
    assert message[:2] == ["pixel", "root"]
    assert "tree v" in message[2]
    assert message[-2:] == ["AcceptEnv LANG LC_* TOKEN", "hello there, earth"]
    assert truenas.stats.logins == 1


def as_user(ansible, truenas, tmp_path, script):
    """Run a script over SSH with the pinned host key, and return its output."""
    address = truenas.world.containers[f"px-{NAME}"].aliases[0]["address"]
    ended = subprocess.run(
        [
            *("ssh", "-F", "none", "-i", str(tmp_path / "key"), "-p", str(truenas.ssh_port)),
            *("-o", f"UserKnownHostsFile={tmp_path}/.local/state/pixels/known_hosts"),
            *("-o", f"HostKeyAlias={alias(tmp_path)}", "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes"),
            *(f"pixel@{address}", script),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr + what_the_server_says(ansible, tmp_path)
    return ended.stdout


def what_the_server_says(ansible, tmp_path):
    look = "journalctl --unit ssh --lines 20; ls -ldn /home/pixel /home/pixel/.ssh /home/pixel/.ssh/authorized_keys"
    return ansible.run("ansible", "-i", str(tmp_path / "all.pixels.yml"), NAME, "-m", "raw", "-a", look).stdout


def alias(tmp_path):
    return (tmp_path / ".local/state/pixels/known_hosts").read_text().split()[0]


REFUSED = [
    {"provision_user": "-x"},
    {"provision_user": "b.b"},
    {"provision_user": "pixel ALL=(ALL) NOPASSWD: ALL\n#"},
    {"provision_uid": 0},
    {"provision_shell": "/bin/sh:x"},
    {"provision_sudo": "ALL=(ALL) ALL\neve ALL=(ALL) ALL"},
    {"provision_dns": ["9.9.9.9\nsearch evil.example"]},
    {"provision_environment": {"A=1\nB": "x"}},
    {"provision_environment": {"A": "1\nLD_PRELOAD=/x"}},
    {"provision_accept_env": ["LANG\nPermitRootLogin yes"]},
    {"provision_timezone": "../../../etc/shadow"},
    {"provision_packages": ["--allow-untrusted"]},
]
TAKEN = [
    {},
    {"provision_user": "", "provision_timezone": "America/Argentina/Buenos_Aires", "provision_packages": ["g++=1:2*"]},
    {"provision_dns": ["9.9.9.9", "fe80::1%eth0"], "provision_environment": {"A": "x y#z", "B": 1}},
    {"provision_public_keys": ["ssh-ed25519 AAAA me@here\nssh-rsa BBBB me@there\n"]},
]


def test_an_option_that_would_mean_something_else_is_refused_before_anything_is_done(ansible):
    role = {"name": "pixels.truenas.provision", "tasks_from": "options.yml"}
    tasks = [
        {
            "block": [{"ansible.builtin.include_role": role, "vars": options}],
            "rescue": [{"name": f"case {number}", "ansible.builtin.debug": {"var": "ansible_failed_result"}}],
        }
        for number, options in enumerate([*REFUSED, *TAKEN])
    ]

    # JSON is valid YAML.
    played = ansible.play(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))

    failed = {
        each["task"]: each["result"]["ansible_failed_result"]["assertion"]
        for each in played["results"]
        if each["task"].startswith("case ")
    }
    assert list(failed) == [f"case {number}" for number in range(len(REFUSED))]
    for options, assertion in zip(REFUSED, failed.values(), strict=True):
        assert next(iter(options)) in assertion


def test_the_role_records_its_steps_and_the_one_that_failed(ansible, truenas, tmp_path):
    truenas.world.add_container(f"px-{NAME}")
    inventory = tmp_path / "all.pixels.yml"
    inventory.write_text("plugin: pixels.truenas.pixels\nconnect_with: shell\n")
    variables = {"ansible_python_interpreter": "/usr/bin/python3", "provision_packages": ["no-such-package"]}

    played = ansible.playbook(
        "pixels.truenas.provision", "-i", str(inventory), "-e", json.dumps(variables), check=False
    )

    assert played["rc"] == 2
    record = read(truenas, "/var/lib/pixels/provisioning").splitlines()
    words = [line.split()[:3] for line in record]
    assert words[0] == ["plan", "python", "packages"]
    assert record[0].endswith(" configuration")
    assert [each[:2] for each in words[1:4]] == [["start", "python"], ["end", "python"], ["start", "packages"]]
    assert words[2][2] == "0"
    assert words[4] == ["end", "packages", "1"]
    assert record[5].startswith("out packages ")
