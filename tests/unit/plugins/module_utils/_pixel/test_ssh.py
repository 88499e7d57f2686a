# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of entering a pixel over SSH; tests/unit/plugins/modules/test_pixels_exec.py runs commands there."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    ConnectionLost,
    NotPermitted,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import ssh as module
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.host_keys import HostKeys, alias
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.ssh import Login, Ssh
from tests.unit.plugins.conftest import put


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    """The API has no part in it."""
    return "25.10"


@pytest.fixture
def login(guest, truenas, key):
    address = truenas.world.containers["px-web"].aliases[0]["address"]
    return Login("px-web", "nas", address, port=truenas.ssh_port, key_file=key.private)


@pytest.fixture
def keys(tmp_path):
    return HostKeys(tmp_path / "known_hosts")


def test_a_command_says_what_it_has_to_say(login, keys):
    with Ssh(login, keys) as ssh:
        result = ssh.run(Command(("sh", "-c", "echo out; echo err >&2; exit 3")))

    assert (result.rc, result.stdout, result.stderr) == (3, b"out\n", b"err\n")


def test_any_byte_comes_and_goes_unchanged(login, keys):
    content = bytes(range(256)) * 1000

    with Ssh(login, keys) as ssh:
        assert ssh.run(Command(("cat",), stdin=content)).stdout == content


def test_a_command_need_not_read_what_it_is_given(login, keys):
    with Ssh(login, keys) as ssh:
        assert ssh.run(Command(("true",), stdin=b"x" * 5_000_000)).rc == 0


def test_several_commands_share_a_connection(login, keys):
    with Ssh(login, keys) as ssh:
        assert [ssh.run(Command(("echo", str(number)))).stdout for number in range(3)] == [b"0\n", b"1\n", b"2\n"]


def test_a_host_key_is_pinned_at_first_sight(login, keys):
    Ssh(login, keys).close()

    assert list(keys.find(alias("px-web", "nas"))) == ["ssh-ed25519"]


def test_another_host_key_is_refused_before_anything_is_sent(login, keys):
    keys.pin(
        alias("px-web", "nas"), "ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    )

    with pytest.raises(ConnectionFailed, match="another SSH host key.*remove the lines of px-web.nas.pixels"):
        Ssh(login, keys)


def test_a_forgotten_pixel_is_trusted_anew(login, keys):
    keys.pin(alias("px-web", "nas"), "ssh-ed25519", "AAAA")

    keys.forget(alias("px-web", "nas"))

    Ssh(login, keys).close()


def test_nothing_that_listens_is_told_with_whom_it_was_tried(keys):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(ConnectionFailed, match=rf"web on nas \(root@127\.0\.0\.1 port {port}\)"):
        Ssh(Login("px-web", "nas", "127.0.0.1", port=port), keys)


def hang_up(listener):
    connection, _address = listener.accept()
    connection.close()


def test_what_is_no_ssh_server_is_told(keys):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang_up, args=(listener,), daemon=True).start()

        with pytest.raises(ConnectionFailed, match="no SSH connection to web on nas"):
            Ssh(Login("px-web", "nas", "127.0.0.1", port=listener.getsockname()[1]), keys, timeout=5)


def test_a_user_that_is_not_there_is_not_let_in(login, keys):
    with pytest.raises(NotPermitted, match="took none of the keys"):
        Ssh(Login(login.pixel, login.nas, login.address, login.port, user="nobody-here", key_file=login.key_file), keys)


def test_a_key_file_that_is_not_there_is_named(login, keys, tmp_path):
    with pytest.raises(NotPermitted, match=f"no private key {tmp_path}/none"):
        Ssh(Login(login.pixel, login.nas, login.address, login.port, key_file=str(tmp_path / "none")), keys)


def test_a_key_file_that_is_none_is_named(login, keys, tmp_path):
    (tmp_path / "id").write_text("not a key\n")

    with pytest.raises(NotPermitted, match="cannot be used"):
        Ssh(Login(login.pixel, login.nas, login.address, login.port, key_file=str(tmp_path / "id")), keys)


def test_without_any_key_the_error_says_what_to_give(login, keys, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)

    with pytest.raises(NotPermitted, match="was offered no key: give the private key with ssh_key"):
        Ssh(Login(login.pixel, login.nas, login.address, login.port), keys)


def test_a_command_out_of_time_is_ended(login, keys):
    with Ssh(login, keys) as ssh:
        with pytest.raises(TimedOut, match="longer than 0.5 s"):
            ssh.run(Command(("sleep", "300")), timeout=0.5)

        assert b"sleep\x00300" not in ssh.run(Command(("sh", "-c", "cat /proc/[0-9]*/cmdline"))).stdout


def test_a_command_whose_time_is_up_before_it_has_begun_is_ended_all_the_same(login, keys):
    with Ssh(login, keys) as ssh:
        with pytest.raises(TimedOut, match="and was ended"):
            ssh.run(Command(("sleep", "300")), timeout=0)

        assert b"sleep\x00300" not in ssh.run(Command(("sh", "-c", "cat /proc/[0-9]*/cmdline"))).stdout


def test_a_command_that_does_not_begin_is_not_said_to_have_ended(login, keys, truenas, monkeypatch):
    monkeypatch.setattr(module, "BEGINS_WITHIN", 0.1)
    put(truenas, "/root/mute", "#!/bin/sh\nexec sleep 300\n", mode=0o755)
    put(truenas, "/etc/passwd", "root:x:0:0:root:/root:/root/mute\n")

    with Ssh(login, keys) as ssh, pytest.raises(TimedOut, match=r"had not begun after 0 s in \S+"):
        ssh.run(Command(("true",)), timeout=0)


def test_what_a_command_leaves_behind_does_not_take_longer_than_it_may(login, keys):
    with Ssh(login, keys) as ssh:
        with pytest.raises(TimedOut, match="longer than 1 s"):
            ssh.run(Command(("sh", "-c", "sleep 300 & echo hi")), timeout=1)

        assert b"sleep\x00300" not in ssh.run(Command(("sh", "-c", "cat /proc/[0-9]*/cmdline"))).stdout


def test_without_a_limit_all_that_is_written_is_waited_for(login, keys):
    with Ssh(login, keys) as ssh:
        result = ssh.run(Command(("sh", "-c", "(sleep 0.5; echo late) & echo soon")))

    assert (result.rc, result.stdout) == (0, b"soon\nlate\n")


def test_a_pixel_that_stops_under_a_command_is_told_from_its_status(login, keys, truenas):
    with Ssh(login, keys) as ssh:
        stop = truenas.world.engine.stop("px-web", force=True)
        threading.Timer(0.3, lambda: truenas.run(stop)).start()

        with pytest.raises(ConnectionLost, match="broke off while the command ran"):
            ssh.run(Command(("sleep", "300")))


def test_a_connection_that_is_gone_runs_nothing_more(login, keys):
    ssh = Ssh(login, keys)
    ssh.close()

    with pytest.raises(ConnectionLost, match="is gone"):
        ssh.run(Command(("true",)))


def test_no_key_is_in_what_describes_a_login(login):
    assert Path(login.key_file).read_text() not in repr(login)
    assert str(login).startswith("web on nas (root@127.")
