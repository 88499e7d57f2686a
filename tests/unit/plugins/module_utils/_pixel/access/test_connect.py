# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of entering a pixel by its name."""

from __future__ import annotations

import socket
import subprocess
from dataclasses import replace

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    MissingLibrary,
    NotFound,
    NotPermitted,
    Refused,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import ssh_probe
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.connect import open_shell
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import paramiko_client
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.settings import SshSettings
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from tests.unit.plugins.conftest import both_generations, users_of_its_own

HOW = SshSettings(user="root", key=None, port=22)


def test_a_pixel_that_is_not_there_is_named(pixels):
    with pytest.raises(NotFound, match="no pixel named web"), open_shell(pixels, "web", HOW):
        pass


def test_one_that_does_not_run_is_to_be_started(pixels, truenas):
    truenas.world.add_container("px-web", status="STOPPED")

    with (
        pytest.raises(Refused, match="web on .* is stopped: start it first"),
        open_shell(pixels, PixelName("px-web"), HOW),
    ):
        pass


def test_one_without_an_address_cannot_be_entered_over_ssh(pixels, truenas):
    truenas.world.add_container("px-web").aliases.clear()

    with (
        pytest.raises(ConnectionFailed, match=r"reports no address for it: .* needs none \(transport: shell\)"),
        open_shell(pixels, "web", replace(HOW, transport="ssh")),
    ):
        pass


class TestInPixelsThatLive:
    @pytest.fixture
    def engine(self):
        return "process"

    @pytest.fixture
    def release(self):
        return "25.10"

    def hostname(self, pixels, guest, how):
        with open_shell(pixels, guest, how) as shell:
            return shell.run(Command(("hostname",))).stdout.decode().strip()

    @pytest.mark.parametrize(("transport", "shells"), [("ssh", 0), ("shell", 1), ("auto", 0)])
    @both_generations
    def test_the_transport_is_the_requested_one(self, pixels, truenas, guest, key, transport, shells):
        how = SshSettings("root", key.private, truenas.ssh_port, transport=transport)

        assert self.hostname(pixels, guest, how) == "px-web"

        assert truenas.stats.shells == shells

    def test_where_no_server_answers_there_is_the_shell(self, pixels, truenas, guest, key):
        how = SshSettings("root", key.private, free_port(), transport="auto")

        assert self.hostname(pixels, guest, how) == "px-web"

        assert truenas.stats.shells == 1

    @users_of_its_own
    @pytest.mark.parametrize(("transport", "user"), [("auto", "alice"), ("shell", "root")])
    def test_commands_run_as_the_user_of_ssh_where_there_is_only_the_shell(self, pixels, guest, transport, user):
        with open_shell(pixels, guest, replace(HOW, transport="shell")) as shell:
            shell.run(Command(("useradd", "-m", "alice")))

        with open_shell(pixels, guest, SshSettings("alice", None, free_port(), transport=transport)) as shell:
            assert shell.run(Command(("id", "-un"))).stdout.decode().strip() == user
            assert shell.run(Command(("id", "-un"), user="root")).stdout == b"root\n"

    def test_a_port_that_keeps_silent_is_waited_for_only_once(self, pixels, truenas, guest, key, monkeypatch):
        address = truenas.world.containers["px-web"].aliases[0]["address"]
        with socket.create_server((address, 0)) as silent:
            port = silent.getsockname()[1]
            how = SshSettings("root", key.private, port, transport="auto")
            assert self.hostname(pixels, guest, how) == "px-web"
            monkeypatch.setattr(ssh_probe, "PROBE_TIMEOUT_S", 3600)

            assert self.hostname(pixels, guest, how) == "px-web"

        assert truenas.stats.shells == 1
        assert pixels.ssh_answers.find("px-web", address, port) is False

    def test_a_server_that_answered_before_and_does_not_now_is_the_shell_after_a_while(
        self, pixels, truenas, guest, key, monkeypatch
    ):
        monkeypatch.setattr(ssh_probe, "RETURN_TIMEOUT_S", 0.1)
        address, port = truenas.world.containers["px-web"].aliases[0]["address"], free_port()
        pixels.ssh_answers.note("px-web", address, port, answered=True)

        assert self.hostname(pixels, guest, SshSettings("root", key.private, port, transport="auto")) == "px-web"

        assert truenas.stats.shells == 1
        assert pixels.ssh_answers.find("px-web", address, port) is False

    def test_a_key_that_is_not_accepted_is_no_reason_to_skip_the_check(self, pixels, truenas, guest, tmp_path):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "id")], check=True)

        with pytest.raises(NotPermitted, match="took none of the keys"):
            self.hostname(pixels, guest, SshSettings("root", str(tmp_path / "id"), truenas.ssh_port, transport="auto"))

        assert truenas.stats.shells == 0

    @both_generations
    def test_without_an_address_there_is_the_shell(self, pixels, truenas, guest, key):
        truenas.world.containers["px-web"].aliases.clear()

        assert (
            self.hostname(pixels, guest, SshSettings("root", key.private, truenas.ssh_port, transport="auto"))
            == "px-web"
        )

    def test_without_paramiko_there_is_the_shell(self, pixels, truenas, guest, key, monkeypatch):
        monkeypatch.setattr(paramiko_client, "PARAMIKO_IMPORT_ERROR", "ImportError")
        how = SshSettings("root", key.private, truenas.ssh_port, transport="auto")

        assert self.hostname(pixels, guest, how) == "px-web"

        with pytest.raises(MissingLibrary, match="transport: shell"):
            self.hostname(pixels, guest, replace(how, transport="ssh"))

    def test_a_server_that_is_not_the_pinned_one_is_no_reason_to_skip_the_check(self, pixels, truenas, guest, key):
        pixels.host_keys.pin(known_hosts.alias("px-web", pixels.nas), "ssh-ed25519", "AAAAanother")

        with pytest.raises(ConnectionFailed, match="SSH host key mismatch for"):
            self.hostname(pixels, guest, SshSettings("root", key.private, truenas.ssh_port, transport="auto"))

        assert truenas.stats.shells == 0


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class TestOverIpv6:
    @pytest.fixture
    def engine(self):
        return "process"

    @pytest.fixture
    def release(self):
        return "25.10"

    @pytest.mark.parametrize("transport", ["ssh", "auto"])
    def test_a_pixel_without_ipv4_is_entered(self, pixels, ipv6_guest, nas, transport):
        how = replace(HOW, key=nas["ssh_key"], port=nas["ssh_port"], transport=transport)

        with open_shell(pixels, ipv6_guest, how) as shell:
            assert isinstance(shell, paramiko_client.ParamikoClient)
            assert shell.run(Command(("uname", "-n"))).stdout == b"px-web\n"
