# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of playbooks on pixels that live: what is done to one from outside is seen inside, over SSH.

They run on both engines: on guests that need no root with all other tests, on real containers in the lab (make lab).
"""

from __future__ import annotations

import shutil
import socket
import time

import pytest

from tests.integration.conftest import imported
from tests.unit.plugins.conftest import put, read

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="enters pixels by OpenSSH")
MIB = 1024 * 1024
MANY = 20
SECONDS_TO_BOOT = 30


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


def inside(command, pattern="pixels"):
    """Return a play that runs a command in pixels over SSH."""
    return (
        f"\n- hosts: {pattern}\n  gather_facts: false\n  tasks: [{{name: inside, ansible.builtin.raw: {command!r}}}]\n"
    )


@pytest.fixture
def play(ansible, entering):
    """Run plays, and return what `inside` printed each time, by pixel."""

    def run(*plays):
        played = ansible.play("".join(plays), *entering, "--forks", str(MANY))
        printed = []
        for each in played["results"]:
            if each["task"] == "inside":
                if not printed or each["host"] in printed[-1]:
                    printed.append({})
                printed[-1][each["host"]] = each["result"]["stdout"].strip()
        return printed

    return run


SETUP = """
- hosts: pixels
  gather_facts: false
  vars: {ansible_python_interpreter: /usr/bin/python3}
  tasks:
    - ansible.builtin.setup: {gather_subset: [min]}
    - ansible.builtin.assert:
        that: (ansible_facts.hostname, ansible_facts.user_id) == ("px-web", "root")
"""


def test_modules_run_in_a_pixel_that_is_resized_and_restarted(play, pixel, truenas):
    pixel("web")
    defaults = {"wait": "ssh"}

    _marked, resized, restarted = play(
        SETUP,
        inside("touch /run/marked; echo kept >/root/state"),
        imported("fleet", fleet_pixels=[{"name": "web", "cpu": 1, "memory": "512MiB"}], fleet_defaults=defaults),
        inside("ls /run/marked"),
        imported("fleet", fleet_pixels=["web"], fleet_state="restarted", fleet_defaults=defaults),
        inside("cat /root/state; ls /run/marked 2>&1 | grep -c 'No such file'"),
    )

    made = truenas.world.containers["px-web"]
    assert (made.cpu, made.memory) == ("1", 512 * MIB)
    assert resized == {"web": "/run/marked"}
    assert restarted == {"web": "kept\r\n1"}


def test_what_was_destroyed_in_a_pixel_is_back_after_a_restore(play, pixel, truenas):
    pixel("web")
    play(
        inside("echo before >/root/state"),
        imported("checkpoint", checkpoint_label="ready"),
        inside("echo after >/root/state; rm -rf /usr/lib/python3* /usr/share/*; rm -rf /usr 2>/dev/null; exit 0"),
    )
    assert truenas.run(truenas.world.engine.stat("px-web", "/usr/bin/python3")) is None

    [state] = play(
        # Without its programs it cannot even stop.
        imported("restore", restore_label="ready", restore_wait="ssh", restore_force=True),
        inside("cat /root/state; python3 -c 'print(6 * 7)'"),
    )

    assert state == {"web": "before\r\n42"}


def test_a_clone_has_a_name_and_keys_of_its_own(play, pixel, truenas):
    pixel("web")
    play(
        imported("checkpoint", checkpoint_label="ready"),
        imported("clone", clone_label="ready", clone_defaults={"wait": "ssh"}),
    )

    [identities] = play(inside("uname -n; cat /etc/hostname; cat /etc/machine-id; cat /etc/ssh/ssh_host_*_key.pub"))

    of_web, of_clone = (identities[name].splitlines() for name in ("web", "web-clone"))
    assert of_web[:2] == ["px-web"] * 2
    assert of_clone[:2] == ["px-web-clone"] * 2
    assert of_web[3:]
    assert set(of_web[2:]).isdisjoint(of_clone[2:])


@pytest.mark.wide
def test_twenty_clones_made_at_the_same_time_can_all_be_entered_and_destroyed(play, pixel, truenas):
    pixel("base")
    names = [f"agent-{number}" for number in range(1, MANY + 1)]
    defaults = {"from": "base@ready", "wait": "ssh"}
    play(
        imported("checkpoint", checkpoint_label="ready"),
        imported("fleet", fleet_pixels=names, fleet_defaults=defaults, fleet_concurrency=MANY),
    )

    [printed] = play(inside("uname -n", "pixels:!base"), imported("destroy", fleet_pixels=names))

    assert printed == {name: f"px-{name}" for name in names}
    assert read(truenas, "/etc/hostname", name="px-base").strip() == "px-base"
    assert set(truenas.world.containers) == {"px-base"}
