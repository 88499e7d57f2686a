# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the directory of the sockets of session daemons."""

from __future__ import annotations

import errno
import os
import pwd
import socket
import stat
import tempfile

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import runtime_dir
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import NoRuntimeDir, connect, find


@pytest.fixture
def temporary(monkeypatch, runtime_directory):
    """Return the directory for temporary files, which is used without a runtime directory."""
    parent = runtime_directory.parent / "tmp"
    parent.mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(parent))
    return parent


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_the_directory_is_only_for_this_user(runtime_directory):
    found = find()

    assert found.directory == str(runtime_directory)
    assert mode(runtime_directory) == 0o700


def test_without_a_runtime_directory_it_is_among_the_temporary_files(monkeypatch, temporary):
    monkeypatch.delenv("XDG_RUNTIME_DIR")

    assert find().directory == str(temporary / f"pixels-{os.geteuid()}")


def test_a_runtime_directory_that_is_not_there_is_passed_over(monkeypatch, temporary):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/nobody-was-here")

    assert find().directory == str(temporary / f"pixels-{os.geteuid()}")


def test_neither_a_home_nor_an_entry_in_passwd_is_needed(monkeypatch, temporary):
    def no_entry(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", no_entry)

    assert find().directory == str(temporary / f"pixels-{os.geteuid()}")


def why_not(monkeypatch, temporary):
    """Why there is none; the second choice is out of the question here."""
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "missing"))
    with pytest.raises(NoRuntimeDir) as caught:
        find()
    return str(caught.value)


def test_a_symlink_in_its_place_is_refused(monkeypatch, temporary, runtime_directory):
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    runtime_directory.symlink_to(elsewhere)

    assert f"{runtime_directory} is not a directory" in why_not(monkeypatch, temporary)
    assert list(elsewhere.iterdir()) == []


def test_a_file_in_its_place_is_refused(monkeypatch, temporary, runtime_directory):
    runtime_directory.write_text("")

    assert "is not a directory" in why_not(monkeypatch, temporary)


@pytest.mark.parametrize("open_to", [0o750, 0o705, 0o777])
def test_a_directory_that_others_can_enter_is_refused(monkeypatch, temporary, runtime_directory, open_to):
    runtime_directory.mkdir()
    runtime_directory.chmod(open_to)

    assert "change its mode to 0700" in why_not(monkeypatch, temporary)


def test_a_directory_of_another_user_is_refused(monkeypatch, temporary, runtime_directory):
    runtime_directory.mkdir(mode=0o700)
    owned = os.lstat(runtime_directory)
    stranger = os.stat_result([*owned[:4], 12345, *owned[5:]])

    with monkeypatch.context() as patch:
        patch.setattr(runtime_dir.os, "lstat", lambda path: stranger)
        reason = why_not(patch, temporary)

    assert f"{runtime_directory} belongs to the user with the ID 12345" in reason


def test_a_parent_in_which_others_may_rename_is_refused(monkeypatch, temporary, runtime_directory):
    runtime_directory.parent.chmod(0o777)

    assert "writable by other users and has no sticky bit" in why_not(monkeypatch, temporary)


def test_a_parent_like_tmp_is_good_enough(runtime_directory):
    runtime_directory.parent.chmod(0o1777)

    assert find().directory == str(runtime_directory)


def test_a_relative_parent_is_refused(monkeypatch, temporary):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "run")

    assert "not an absolute path" in why_not(monkeypatch, temporary)


def test_a_path_too_long_for_a_socket_is_refused(monkeypatch, temporary):
    deep = temporary / ("d" * 90)
    deep.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))

    assert "too long for a socket" in why_not(monkeypatch, temporary)


def test_a_file_system_that_cannot_be_written_to_is_named(monkeypatch, temporary):
    def read_only(path, *_mode):
        raise OSError(errno.EROFS, "Read-only file system", path)

    with monkeypatch.context() as patch:
        patch.setattr(runtime_dir.os, "mkdir", read_only)
        reason = why_not(patch, temporary)

    assert "Read-only file system" in reason


def test_the_salt_stays_the_same(runtime_directory):
    salt = find().salt()

    assert find().salt() == salt
    assert len(salt) == 32
    assert mode(runtime_directory / "salt") == 0o600


def test_half_a_salt_is_replaced(runtime_directory):
    find()
    (runtime_directory / "salt").write_bytes(b"half")

    assert len(find().salt()) == 32


def test_a_full_disk_leaves_no_half_a_salt(monkeypatch, runtime_directory):
    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device", target)

    monkeypatch.setattr(runtime_dir.os, "replace", full)

    with pytest.raises(OSError, match="No space left"):
        find().salt()
    assert [path.name for path in runtime_directory.iterdir()] == ["lock"]


def test_one_at_a_time_is_inside_the_lock():
    place = find()

    with place.locked(), pytest.raises(NoRuntimeDir, match="is locked"), place.locked(timeout=0.05):
        pass
    with place.locked(timeout=0):
        pass


def test_a_lock_ends_with_its_block_though_a_child_has_the_file_open():
    place = find()

    with place.locked() as file:
        inherited = os.dup(file)
    with place.locked(timeout=0):
        os.close(inherited)


def listening(path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    return server


def test_a_path_without_a_daemon_is_distinguished_from_one_of_a_user():
    path = find().socket_path("name")
    assert connect(path, timeout=1) is None

    with listening(path), connect(path, timeout=1) as found:
        assert found
    assert connect(path, timeout=1) is None


def test_a_listener_whose_queue_stays_full_is_reported_from_one_that_is_gone():
    path = find().socket_path("name")
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
        busy.bind(path)
        busy.listen(0)
        first.connect(path)

        with pytest.raises(TimeoutError, match="queue"):
            connect(path, timeout=0.02)
        busy.accept()[0].close()
        with connect(path, timeout=1) as found:
            assert found


def test_a_socket_that_is_set_aside_still_leads_to_its_listener():
    place = find()
    with listening(place.socket_path("name")):
        inode = place.inode("name")
        place.set_aside("name")

        [aside] = place.sockets()
        assert place.inode("name") is None
        assert os.lstat(aside).st_ino == inode
        with connect(aside, timeout=1) as found:
            assert runtime_dir.peer_pid(found) == os.getpid()


def test_a_lock_is_held_or_not():
    place = find()

    assert not place.is_locked()
    with place.locked():
        assert place.is_locked()


def test_a_socket_on_which_another_user_listens_is_refused(monkeypatch):
    path = find().socket_path("name")
    monkeypatch.setattr(runtime_dir, "peer_uid", lambda connection: 12345)

    with listening(path), pytest.raises(PermissionError, match="another user listens there"):
        connect(path, timeout=1)


def test_the_other_end_is_known_by_its_user():
    left, right = socket.socketpair()

    with left, right:
        assert runtime_dir.peer_uid(left) == os.geteuid()


def test_a_system_that_does_not_report_the_user_relies_on_the_directory(monkeypatch):
    monkeypatch.delattr(socket, "SO_PEERCRED")
    left, right = socket.socketpair()

    with left, right:
        assert runtime_dir.peer_uid(left) == os.geteuid()
