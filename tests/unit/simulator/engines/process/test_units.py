# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemctl says and does in a guest."""

from __future__ import annotations

import typing as t

import pytest

if t.TYPE_CHECKING:
    from tests.unit.simulator.engines.process.conftest import Lab


def test_ssh_can_be_stopped_started_disabled_and_enabled(lab: Lab) -> None:
    name = lab.start_with_ssh()

    lab.shell(name, "systemctl disable --now ssh")
    off = lab.listens(name), lab.run(name, "systemctl", "is-enabled", "ssh").stdout
    lab.shell(name, "systemctl enable --now sshd.service")
    on = lab.listens(name), lab.run(name, "systemctl", "is-enabled", "ssh").stdout

    assert off == (False, b"disabled\n")
    assert on == (True, b"enabled\n")


def test_a_disabled_server_stays_off_after_a_start(lab: Lab) -> None:
    name = lab.start_with_ssh()
    lab.shell(name, "systemctl disable ssh")
    assert lab.listens(name)

    lab.restart(name)

    assert not lab.listens(name)


def test_a_restart_of_the_server_keeps_connections(lab: Lab) -> None:
    name = lab.start_with_ssh()

    with lab.ssh(name) as client:
        client.exec_command("systemctl restart ssh")[1].channel.recv_exit_status()

        assert client.exec_command("echo still here")[1].read() == b"still here\n"
    assert lab.listens(name)


def test_a_server_without_host_keys_cannot_be_started(lab: Lab) -> None:
    name = lab.start_with_ssh()
    lab.shell(name, "rm /etc/ssh/ssh_host_*")

    finished = lab.run(name, "systemctl", "restart", "ssh")

    assert finished.returncode == 1
    assert b"no hostkeys available" in finished.stderr


@pytest.mark.parametrize(
    ("verb", "returncode", "words"),
    [
        ("start", 5, b"not found"),
        ("stop", 5, b"not loaded"),
        ("enable", 1, b"does not exist"),
        ("disable", 1, b"does not exist"),
        ("status", 4, b"could not be found"),
        ("is-enabled", 4, b"not-found"),
        ("is-active", 3, b"inactive"),
        ("show", 0, b"LoadState=not-found"),
        ("hibernate", 1, b"does not know 'hibernate'"),
    ],
)
def test_an_unknown_unit_is_reported_as_systemd_does(lab: Lab, verb: str, returncode: int, words: bytes) -> None:
    name = lab.start()

    finished = lab.run(name, "systemctl", verb, "nowhere")

    assert finished.returncode == returncode
    assert words in finished.stdout + finished.stderr


def test_a_unit_of_the_guests_own_can_be_enabled_but_not_run(lab: Lab) -> None:
    name = lab.start()
    lab.write(name, "/etc/systemd/system/mine.service", "[Service]\nExecStart=/bin/true\n")

    enabled = lab.run(name, "systemctl", "enable", "mine")
    started = lab.run(name, "systemctl", "start", "mine")

    assert enabled.returncode == 0
    assert started == (1, b"", b"Failed to start mine.service: the init of this guest runs no service but ssh.\n")


def test_only_root_may_ask_init(lab: Lab) -> None:
    name = lab.start()

    mode = lab.shell(name, "stat -c %a /run/init.socket")

    assert mode == "600"


def test_show_names_the_settings_that_ansible_reads(lab: Lab) -> None:
    name = lab.start_with_ssh()

    shown = dict(line.split("=", 1) for line in lab.shell(name, "systemctl show ssh").splitlines())

    assert shown == {
        "Id": "ssh.service",
        "LoadState": "loaded",
        "ActiveState": "active",
        "SubState": "running",
        "UnitFileState": "enabled",
    }


def test_a_server_that_is_off_stays_off_when_only_a_running_one_is_to_be_reloaded(lab: Lab) -> None:
    name = lab.start_with_ssh()
    lab.shell(name, "systemctl stop ssh")

    ended = lab.run(name, "systemctl", "try-reload-or-restart", "ssh")

    assert (ended.returncode, lab.listens(name)) == (0, False)
    assert lab.run(name, "systemctl", "try-reload-or-restart", "cron").returncode == 5
