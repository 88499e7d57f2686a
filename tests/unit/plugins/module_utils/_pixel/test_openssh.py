# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what OpenSSH is told, and what its failures are called; tests of the command have that it works."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionFailed, NotPermitted
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import openssh
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.host_keys import HostKeys
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.login import Login

LOGIN = Login("px-web", "nas", "10.0.0.1", key_file="~/k")


@pytest.fixture(autouse=True)
def cache(home, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home


@pytest.fixture
def keys(tmp_path):
    return HostKeys(tmp_path / "known hosts")


def understood(arguments):
    """What ssh itself makes of options."""
    told = subprocess.run(
        ["ssh", "-F", "none", "-G", *arguments, "10.0.0.1"], capture_output=True, text=True, check=True
    )
    return dict(line.split(" ", 1) for line in told.stdout.splitlines() if " " in line)


def test_ssh_understands_what_it_is_told(keys):
    told = understood(openssh.options(LOGIN, keys))

    assert told["hostkeyalias"] == "px-web.nas.pixels"
    assert told["stricthostkeychecking"] == "accept-new"
    assert told["hashknownhosts"] == "no"
    assert told["userknownhostsfile"].strip('"') == str(keys.path)
    assert told["passwordauthentication"] == "no"
    assert told["identitiesonly"] == "yes"


def test_an_address_that_nobody_vouched_for_must_have_a_pinned_key(keys):
    assert understood(openssh.options(LOGIN, keys, only_pinned=True))["stricthostkeychecking"] in ("yes", "true")


def test_each_way_to_log_in_has_a_connection_of_its_own(cache):
    ways = [LOGIN, Login("px-web", "other", "10.0.0.1"), Login("px-web", "nas", "10.0.0.1", user="me")]

    paths = {openssh.control_path(way) for way in ways}

    assert len(paths) == 3
    assert (cache / "pixels/ssh").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_enter_is_not_used(cache):
    openssh.control_folder()
    (cache / "pixels/ssh").chmod(0o755)

    assert openssh.control_path(LOGIN) is None


def test_a_link_in_its_place_is_not_used(cache, tmp_path):
    (cache / "pixels").mkdir()
    (cache / "pixels/ssh").symlink_to(tmp_path)

    assert openssh.control_path(LOGIN) is None


def test_a_path_that_is_too_long_for_a_socket_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ("x" * 80)))

    assert openssh.control_path(LOGIN) is None


def test_a_line_runs_just_the_command_and_tells_its_status():
    line = openssh.shell_line(Command(("sh", "-c", "echo $0; exit 7", "it's")), "root", "token")

    ended = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (7, "it's\n")


def test_a_signal_finds_the_command_and_nothing_else():
    line = openssh.shell_line(Command(("sleep", "30")), "root", "0123456789abcdef")
    running = subprocess.Popen(["sh", "-c", line], start_new_session=True)
    other = subprocess.Popen(["sh", "-c", line.replace("0123", "9999")], start_new_session=True)
    try:
        subprocess.run(["sh", "-c", openssh.signal_line("0123456789abcdef", 15)], check=True)

        assert running.wait(10) == 143
        assert other.poll() is None
    finally:
        subprocess.run(["sh", "-c", openssh.signal_line("9999456789abcdef", 9)], check=True)
        other.wait(10)


@pytest.mark.parametrize(
    ("said", "kind", "told"),
    [
        ("ssh: connect to host 10.0.0.1 port 22: No route to host\n", ConnectionFailed, "No route to host"),
        ("Host key verification failed.\n", ConnectionFailed, "remove the lines of px-web.nas.pixels from"),
        ("root@10.0.0.1: Permission denied (publickey).\n", NotPermitted, "took none of the keys"),
        ("", ConnectionFailed, "ssh said nothing"),
    ],
)
def test_failures_are_told_in_our_words(keys, said, kind, told):
    error = openssh.refused(LOGIN, keys, said)

    assert isinstance(error, kind)
    assert told in str(error)
    assert "web on nas (root@10.0.0.1)" in str(error)


def test_hanging_up_forgets_what_crashed(cache):
    folder = openssh.control_folder()
    dead = cache / "pixels/ssh/px-web-0123456789ab"
    dead.write_text("")
    (cache / "pixels/ssh/web.warm").write_text("")
    other = cache / "pixels/ssh/px-web-2-0123456789ab"
    other.write_text("")

    openssh.hang_up("px-web")

    assert folder
    assert list((cache / "pixels/ssh").iterdir()) == [other]
