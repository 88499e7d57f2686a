# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of entering a pixel by its name."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    MissingLibrary,
    NotFound,
    Refused,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import host_keys, ssh
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.entering import enter
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.settings import Ssh
from tests.unit.plugins.conftest import both_generations

HOW = Ssh(user="root", key=None, port=22)


def test_a_pixel_that_is_not_there_is_named(pixels):
    with pytest.raises(NotFound, match="no pixel named web"), enter(pixels, "web", HOW):
        pass


def test_one_that_does_not_run_is_to_be_started(pixels, truenas):
    truenas.world.add_container("px-web", status="STOPPED")

    with pytest.raises(Refused, match="web on .* is stopped: start it first"), enter(pixels, "px-web", HOW):
        pass


def test_one_without_an_address_cannot_be_entered_over_ssh(pixels, truenas):
    truenas.world.add_container("px-web").aliases.clear()

    with (
        pytest.raises(ConnectionFailed, match=r"reports no IPv4 address for it: .* needs none \(transport: shell\)"),
        enter(pixels, "web", replace(HOW, transport="ssh")),
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
        with enter(pixels, guest, how) as shell:
            return shell.run(Command(("hostname",))).stdout.decode().strip()

    @pytest.mark.parametrize(("transport", "shells"), [("ssh", 0), ("shell", 1), ("auto", 0)])
    @both_generations
    def test_the_way_in_is_the_one_asked_for(self, pixels, truenas, guest, key, transport, shells):
        how = Ssh("root", key.private, truenas.ssh_port, transport=transport)

        assert self.hostname(pixels, guest, how) == "px-web"

        assert truenas.stats.shells == shells

    def test_where_no_server_answers_there_is_the_shell(self, pixels, truenas, guest, key):
        how = Ssh("root", key.private, free_port(), transport="auto")

        assert self.hostname(pixels, guest, how) == "px-web"

        assert truenas.stats.shells == 1

    @both_generations
    def test_without_an_address_there_is_the_shell(self, pixels, truenas, guest, key):
        truenas.world.containers["px-web"].aliases.clear()

        assert self.hostname(pixels, guest, Ssh("root", key.private, truenas.ssh_port, transport="auto")) == "px-web"

    def test_without_paramiko_there_is_the_shell(self, pixels, truenas, guest, key, monkeypatch):
        monkeypatch.setattr(ssh, "PARAMIKO_IMPORT_ERROR", "ImportError")
        how = Ssh("root", key.private, truenas.ssh_port, transport="auto")

        assert self.hostname(pixels, guest, how) == "px-web"

        with pytest.raises(MissingLibrary, match="transport: shell"):
            self.hostname(pixels, guest, replace(how, transport="ssh"))

    def test_a_server_that_is_not_the_pinned_one_is_no_reason_to_look_away(self, pixels, truenas, guest, key):
        pixels.host_keys.pin(host_keys.alias("px-web", pixels.nas), "ssh-ed25519", "AAAAanother")

        with pytest.raises(ConnectionFailed, match="another SSH host key"):
            self.hostname(pixels, guest, Ssh("root", key.private, truenas.ssh_port, transport="auto"))

        assert truenas.stats.shells == 0


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
