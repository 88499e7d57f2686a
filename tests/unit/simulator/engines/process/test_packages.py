# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What apt-get says and does in a guest."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from tests.unit.simulator.engines.process.conftest import Lab


def test_installing_the_ssh_server_makes_host_keys_and_starts_nothing(lab: Lab) -> None:
    name = lab.start()

    finished = lab.run(name, "apt-get", "install", "-y", "-qq", "openssh-server")

    assert finished.returncode == 0
    assert lab.shell(name, "stat -c %a /etc/ssh/ssh_host_ed25519_key; command -v sshd").split() == [
        "600",
        "/usr/sbin/sshd",
    ]
    assert not lab.listens(name)


def test_installing_again_keeps_the_host_keys(lab: Lab) -> None:
    name = lab.start()
    lab.shell(name, "apt-get install -y openssh-server")
    before = lab.read(name, "/etc/ssh/ssh_host_ed25519_key")

    message = lab.shell(name, "apt-get install -y openssh-server")

    assert "already the newest version" in message
    assert lab.read(name, "/etc/ssh/ssh_host_ed25519_key") == before


def test_removing_the_ssh_server_ends_it_and_keeps_its_keys(lab: Lab) -> None:
    name = lab.start_with_ssh()
    assert lab.listens(name)

    lab.shell(name, "apt-get remove -y openssh-server")

    assert not lab.listens(name)
    assert lab.run(name, "systemctl", "start", "ssh").returncode == 5
    assert lab.do(lab.engine.stat(name, "/etc/ssh/ssh_host_ed25519_key")) is not None


def test_what_the_image_has_is_installed_already(lab: Lab) -> None:
    name = lab.start()

    assert "bash is already the newest version" in lab.shell(name, "apt-get install -y bash python3")


def test_an_unknown_package_is_refused_by_name(lab: Lab) -> None:
    name = lab.start()

    finished = lab.run(name, "apt-get", "install", "-y", "nginx-of-the-moon")

    assert finished == (100, b"", b"E: Unable to locate package nginx-of-the-moon\n")


def test_an_unknown_verb_is_refused(lab: Lab) -> None:
    name = lab.start()

    assert lab.run(name, "apt-get", "frobnicate") == (100, b"", b"E: Invalid operation frobnicate\n")


def test_without_a_mirror_nothing_new_is_installed(lab: Lab) -> None:
    name = lab.start()
    lab.engine.mirrors_down.add("*")

    update = lab.run(name, "apt-get", "update")
    install = lab.run(name, "apt-get", "install", "-y", "openssh-server")

    assert (update.returncode, install.returncode) == (100, 100)
    assert b"Temporary failure resolving" in install.stderr
    assert lab.run(name, "ls", "/usr/sbin/sshd").returncode != 0
