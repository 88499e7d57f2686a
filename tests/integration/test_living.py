# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of playbooks on pixels that live: what is done to one from outside is seen inside, over SSH.

They run on both engines: on guests that need no root with all other tests, on real containers in the lab (make lab).
"""

from __future__ import annotations

import json
import shutil
import socket
import time

import pytest

from tests.unit.plugins.conftest import put, read

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="enters pixels by OpenSSH")
MIB = 1024 * 1024
MANY = 20
SECONDS_TO_BOOT = 30


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def ssh_installed():
    return True


@pytest.fixture
def pixel(truenas, entering, tmp_path):
    """Make a pixel that lets us in."""
    public = (tmp_path / "id_ed25519.pub").read_text()

    def make(name):
        truenas.world.add_container(f"px-{name}")
        put(truenas, "/root/.ssh/authorized_keys", public, name=f"px-{name}", mode=0o600)
        address = truenas.world.containers[f"px-{name}"].aliases[0]["address"]
        until = time.monotonic() + SECONDS_TO_BOOT
        while True:
            try:
                socket.create_connection((address, truenas.ssh_port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < until, f"{name} has no SSH server"
                time.sleep(0.05)

    return make


@pytest.fixture
def inside(ansible, entering):
    """Run a command in pixels over SSH; what it printed, by pixel."""

    def run(command, pattern="pixels"):
        played = ansible.play(
            f"- hosts: {pattern}\n  gather_facts: false\n  tasks: [{{name: inside, ansible.builtin.raw: {command!r}}}]",
            *entering,
            "--forks",
            str(MANY),
        )
        return {each["host"]: each["result"]["stdout"].strip() for each in played["results"]}

    return run


@pytest.fixture
def playbook(ansible, entering):
    def run(name, *options, **variables):
        return ansible.playbook(f"pixels.truenas.{name}", *entering, "--extra-vars", json.dumps(variables), *options)

    return run


def test_modules_run_in_a_pixel_and_find_it_as_it_is(ansible, entering, pixel, truenas):
    pixel("web")

    said = ansible.run(
        *("ansible", *entering, "pixels", "-m", "ansible.builtin.setup", "-a", "gather_subset=!all,min"),
        *("-e", "ansible_python_interpreter=/usr/bin/python3"),
    ).stdout

    assert '"ansible_hostname": "px-web"' in said
    assert '"ansible_user_id": "root"' in said


def test_a_pixel_is_resized_and_restarted(playbook, pixel, inside, truenas, ansible, entering):
    pixel("web")
    inside("touch /run/marked; echo kept >/root/state")

    playbook("fleet", fleet_pixels=[{"name": "web", "cpu": 1, "memory": "512MiB"}], fleet_defaults={"wait": "ssh"})
    assert inside("ls /run/marked") == {"web": "/run/marked"}
    playbook("fleet", fleet_pixels=["web"], fleet_state="restarted", fleet_defaults={"wait": "ssh"})

    made = truenas.world.containers["px-web"]
    assert (made.cpu, made.memory) == ("1", 512 * MIB)
    assert inside("cat /root/state; ls /run/marked 2>&1 | grep -c 'No such file'") == {"web": "kept\r\n1"}


def test_what_was_destroyed_in_a_pixel_is_back_after_a_restore(playbook, pixel, inside, truenas):
    pixel("web")
    inside("echo before >/root/state")
    playbook("checkpoint", checkpoint_label="ready")
    inside("echo after >/root/state; rm -rf /usr/lib/python3* /usr/share/*; rm -rf /usr 2>/dev/null; exit 0")
    assert truenas.run(truenas.world.engine.stat("px-web", "/usr/bin/python3")) is None

    # Without its programs it cannot even stop.
    playbook("restore", restore_label="ready", restore_wait="ssh", restore_force=True)

    assert inside("cat /root/state; python3 -c 'print(6 * 7)'") == {"web": "before\r\n42"}


def test_a_clone_has_a_name_and_keys_of_its_own(playbook, pixel, inside, truenas):
    pixel("web")
    playbook("checkpoint", checkpoint_label="ready")

    playbook("clone", clone_label="ready", clone_defaults={"wait": "ssh"})

    identities = inside("uname -n; cat /etc/hostname; cat /etc/machine-id; cat /etc/ssh/ssh_host_*_key.pub")
    of_web, of_clone = (identities[name].splitlines() for name in ("web", "web-clone"))
    assert of_web[:2] == ["px-web"] * 2
    assert of_clone[:2] == ["px-web-clone"] * 2
    assert of_web[3:]
    assert set(of_web[2:]).isdisjoint(of_clone[2:])


def test_twenty_clones_made_at_once_can_all_be_entered_and_destroyed(playbook, pixel, inside, truenas):
    pixel("base")
    playbook("checkpoint", checkpoint_label="ready")
    names = [f"agent-{number}" for number in range(1, MANY + 1)]

    playbook("fleet", fleet_pixels=names, fleet_defaults={"from": "base@ready", "wait": "ssh"}, fleet_concurrency=MANY)

    assert inside("uname -n", "pixels:!base") == {name: f"px-{name}" for name in names}
    assert read(truenas, "/etc/hostname", name="px-base").strip() == "px-base"
    playbook("destroy", fleet_pixels=names)
    assert set(truenas.world.containers) == {"px-base"}
