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
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Abandoned, Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import paramiko_client as module
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh.paramiko_client import ParamikoClient
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import SshTarget
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.known_hosts import alias
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName
from tests.unit.plugins.conftest import put, set_password, users_of_its_own

WEB = PixelName("px-web")


@pytest.fixture
def engine():
    return "process"


@pytest.fixture
def release():
    """The API has no part in it."""
    return "25.10"


def test_several_commands_share_a_connection(login, keys):
    with ParamikoClient(login, keys) as ssh:
        assert [ssh.run(Command(("echo", str(number)))).stdout for number in range(3)] == [b"0\n", b"1\n", b"2\n"]


def test_a_host_key_is_pinned_at_first_sight(login, keys):
    ParamikoClient(login, keys).close()

    assert list(keys.find(alias("px-web", "nas"))) == ["ssh-ed25519"]


def test_another_host_key_is_refused_before_anything_is_sent(login, keys):
    keys.pin(
        alias("px-web", "nas"), "ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    )

    with pytest.raises(ConnectionFailed, match="SSH host key mismatch for web.*remove the lines of px-web.nas.pixels"):
        ParamikoClient(login, keys)


def test_a_forgotten_pixel_is_trusted_again(login, keys):
    keys.pin(alias("px-web", "nas"), "ssh-ed25519", "AAAA")

    keys.forget(alias("px-web", "nas"))

    ParamikoClient(login, keys).close()


def test_nothing_that_listens_is_reported_with_the_address_that_was_tried(keys):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(ConnectionFailed, match=rf"web on nas \(root@127\.0\.0\.1 port {port}\)"):
        ParamikoClient(SshTarget(WEB, "nas", "127.0.0.1", port=port), keys)


def hang_up(listener):
    connection, _address = listener.accept()
    connection.close()


def test_what_is_no_ssh_server_is_reported(keys):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang_up, args=(listener,), daemon=True).start()

        with pytest.raises(ConnectionFailed, match="no SSH connection to web on nas"):
            ParamikoClient(SshTarget(WEB, "nas", "127.0.0.1", port=listener.getsockname()[1]), keys, timeout=5)


def test_a_user_that_is_not_there_is_not_let_in(login, keys):
    with pytest.raises(NotPermitted, match="took none of the keys"):
        ParamikoClient(
            SshTarget(login.pixel, login.nas, login.address, login.port, user="nobody-here", key_file=login.key_file),
            keys,
        )


def test_a_key_file_that_is_not_there_is_named(login, keys, tmp_path):
    with pytest.raises(NotPermitted, match=f"no private key {tmp_path}/none"):
        ParamikoClient(
            SshTarget(login.pixel, login.nas, login.address, login.port, key_file=str(tmp_path / "none")), keys
        )


def test_a_key_file_that_is_none_is_named(login, keys, tmp_path):
    (tmp_path / "id").write_text("not a key\n")

    with pytest.raises(NotPermitted, match="cannot be used"):
        ParamikoClient(
            SshTarget(login.pixel, login.nas, login.address, login.port, key_file=str(tmp_path / "id")), keys
        )


def test_without_any_key_the_error_says_what_to_give(login, keys, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)

    with pytest.raises(NotPermitted, match="was offered no key: set ssh_key"):
        ParamikoClient(SshTarget(login.pixel, login.nas, login.address, login.port), keys)


def test_a_command_out_of_time_is_ended(login, keys):
    with ParamikoClient(login, keys) as ssh:
        with pytest.raises(TimedOut, match="longer than 0.2 s"):
            ssh.run(Command(("sleep", "300")), timeout=0.2)

        assert b"sleep\x00300" not in ssh.run(Command(("sh", "-c", "cat /proc/[0-9]*/cmdline"))).stdout


def test_a_command_whose_time_is_up_before_it_has_begun_is_ended_all_the_same(login, keys):
    with ParamikoClient(login, keys) as ssh:
        with pytest.raises(TimedOut, match="and was ended"):
            ssh.run(Command(("sleep", "300")), timeout=0)

        assert b"sleep\x00300" not in ssh.run(Command(("sh", "-c", "cat /proc/[0-9]*/cmdline"))).stdout


def test_a_command_that_does_not_begin_is_not_reported_as_ended(login, keys, truenas, monkeypatch):
    monkeypatch.setattr(module, "BEGIN_TIMEOUT_S", 0.1)
    put(truenas, "/root/mute", "#!/bin/sh\nexec sleep 300\n", mode=0o755)
    put(truenas, "/etc/passwd", "root:x:0:0:root:/root:/root/mute\n")

    with ParamikoClient(login, keys) as ssh, pytest.raises(TimedOut, match=r"had not begun after 0 s in \S+"):
        ssh.run(Command(("true",)), timeout=0)


def test_a_pixel_that_stops_under_a_command_is_reported_from_its_status(login, keys, truenas):
    begun = threading.Event()

    def stop():
        assert begun.wait(20)
        truenas.run(truenas.world.engine.stop("px-web", force=True))

    thread = threading.Thread(target=stop)
    thread.start()
    with ParamikoClient(login, keys) as ssh, pytest.raises(ConnectionLost, match="broke off while the command ran"):
        ssh.run(Command(("sh", "-c", "echo begun; exec sleep 300")), out=lambda piece: begun.set())
    thread.join()


def test_a_connection_that_is_gone_runs_nothing_more(login, keys):
    ssh = ParamikoClient(login, keys)
    ssh.close()

    with pytest.raises(ConnectionLost, match="is gone"):
        ssh.run(Command(("true",)))


def test_no_key_is_in_what_describes_a_login(login):
    assert Path(login.key_file).read_text() not in repr(login)
    assert str(login).startswith("web on nas (root@127.")


def test_a_source_of_input_may_end_the_command(login, keys):
    def give_up():
        raise Abandoned("no answer came")

    with ParamikoClient(login, keys) as ssh:
        with pytest.raises(Abandoned, match="no answer came"):
            ssh.run(Command(("sleep", "300")), more=give_up)

        assert b"sleep\x00300" not in ssh.run(Command(("sh", "-c", "cat /proc/[0-9]*/cmdline"))).stdout


@users_of_its_own
def test_a_password_logs_in_where_no_key_does(login, keys, truenas, tmp_path):
    set_password(truenas, "ubuntu", "sesame")
    put(truenas, "/etc/ssh/sshd_config", "PasswordAuthentication yes\n")
    where = (login.pixel, login.nas, login.address, login.port)

    with ParamikoClient(SshTarget(*where, user="ubuntu", key_file=login.key_file, password="sesame"), keys) as ssh:
        assert ssh.run(Command(("id", "-un"))).stdout == b"ubuntu\n"
    with pytest.raises(NotPermitted, match="accepted neither the password nor a key"):
        ParamikoClient(SshTarget(*where, user="ubuntu", key_file=login.key_file, password="wrong"), keys)
    assert "sesame" not in repr(SshTarget(*where, password="sesame"))


@users_of_its_own
def test_without_the_check_of_its_host_key_a_server_gets_no_password(login, keys, truenas):
    set_password(truenas, "ubuntu", "sesame")
    put(truenas, "/etc/ssh/sshd_config", "PasswordAuthentication yes\n")
    keys.pin(alias("px-web", "nas"), "ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIGone")
    where = (login.pixel, login.nas, login.address, login.port)

    with ParamikoClient(SshTarget(*where, key_file=login.key_file, check_host_key=False), keys) as ssh:
        assert ssh.run(Command(("id", "-un"))).stdout == b"root\n"
    with pytest.raises(NotPermitted):
        ParamikoClient(
            SshTarget(*where, user="ubuntu", key_file=login.key_file, password="sesame", check_host_key=False), keys
        )
