# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the folder where callers and holders meet."""

from __future__ import annotations

import errno
import os
import pwd
import socket
import stat
import tempfile

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.shared import rendezvous
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.rendezvous import (
    NoRendezvous,
    connect,
    find,
)


@pytest.fixture
def temporary(monkeypatch, meeting_place):
    """The folder for temporary files, which is where one goes without a runtime folder."""
    parent = meeting_place.parent / "tmp"
    parent.mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(parent))
    return parent


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_the_folder_is_made_for_this_user_alone(meeting_place):
    found = find()

    assert found.folder == str(meeting_place)
    assert mode(meeting_place) == 0o700


def test_without_a_runtime_folder_it_is_among_the_temporary_files(monkeypatch, temporary):
    monkeypatch.delenv("XDG_RUNTIME_DIR")

    assert find().folder == str(temporary / f"pixels-{os.geteuid()}")


def test_a_runtime_folder_that_is_not_there_is_passed_over(monkeypatch, temporary):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/nobody-was-here")

    assert find().folder == str(temporary / f"pixels-{os.geteuid()}")


def test_neither_a_home_nor_an_entry_in_passwd_is_needed(monkeypatch, temporary):
    def no_entry(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", no_entry)

    assert find().folder == str(temporary / f"pixels-{os.geteuid()}")


def why_not(monkeypatch, temporary):
    """Why there is none; the second choice is out of the question here."""
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "missing"))
    with pytest.raises(NoRendezvous) as caught:
        find()
    return str(caught.value)


def test_a_symlink_in_its_place_is_refused(monkeypatch, temporary, meeting_place):
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    meeting_place.symlink_to(elsewhere)

    assert f"{meeting_place} is not a folder" in why_not(monkeypatch, temporary)
    assert list(elsewhere.iterdir()) == []


def test_a_file_in_its_place_is_refused(monkeypatch, temporary, meeting_place):
    meeting_place.write_text("")

    assert "is not a folder" in why_not(monkeypatch, temporary)


@pytest.mark.parametrize("open_to", [0o750, 0o705, 0o777])
def test_a_folder_that_others_can_enter_is_refused(monkeypatch, temporary, meeting_place, open_to):
    meeting_place.mkdir()
    meeting_place.chmod(open_to)

    assert "its mode is to be 0700" in why_not(monkeypatch, temporary)


def test_a_folder_of_somebody_else_is_refused(monkeypatch, temporary, meeting_place):
    meeting_place.mkdir(mode=0o700)
    owned = os.lstat(meeting_place)
    stranger = os.stat_result([*owned[:4], 12345, *owned[5:]])

    with monkeypatch.context() as patch:
        patch.setattr(rendezvous.os, "lstat", lambda path: stranger)
        reason = why_not(patch, temporary)

    assert f"{meeting_place} belongs to the user with the id 12345" in reason


def test_a_parent_in_which_others_may_rename_is_refused(monkeypatch, temporary, meeting_place):
    meeting_place.parent.chmod(0o777)

    assert "writable for other users, and not sticky" in why_not(monkeypatch, temporary)


def test_a_parent_like_tmp_is_good_enough(meeting_place):
    meeting_place.parent.chmod(0o1777)

    assert find().folder == str(meeting_place)


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
        patch.setattr(rendezvous.os, "mkdir", read_only)
        reason = why_not(patch, temporary)

    assert "Read-only file system" in reason


def test_the_salt_stays_the_same(meeting_place):
    salt = find().salt()

    assert find().salt() == salt
    assert len(salt) == 32
    assert mode(meeting_place / "salt") == 0o600


def test_half_a_salt_is_replaced(meeting_place):
    find()
    (meeting_place / "salt").write_bytes(b"half")

    assert len(find().salt()) == 32


def test_a_full_disk_leaves_no_half_a_salt(monkeypatch, meeting_place):
    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device", target)

    monkeypatch.setattr(rendezvous.os, "replace", full)

    with pytest.raises(OSError, match="No space left"):
        find().salt()
    assert [path.name for path in meeting_place.iterdir()] == ["lock"]


def test_one_at_a_time_is_inside_the_lock():
    place = find()

    with place.locked(), pytest.raises(NoRendezvous, match="kept locked"), place.locked(patience=0.05):
        pass
    with place.locked(patience=0):
        pass


def test_a_lock_ends_with_its_block_though_a_child_has_the_file_open():
    place = find()

    with place.locked() as file:
        inherited = os.dup(file)
    with place.locked(patience=0):
        os.close(inherited)


def listening(path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    return server


def test_nobody_at_a_path_is_told_from_somebody():
    path = find().socket_path("name")
    assert connect(path, timeout=1) is None

    with listening(path), connect(path, timeout=1) as found:
        assert found
    assert connect(path, timeout=1) is None


def test_a_socket_on_which_somebody_else_listens_is_refused(monkeypatch):
    path = find().socket_path("name")
    monkeypatch.setattr(rendezvous, "peer_uid", lambda connection: 12345)

    with listening(path), pytest.raises(PermissionError, match="another user listens there"):
        connect(path, timeout=1)


def test_the_other_end_is_known_by_its_user():
    left, right = socket.socketpair()

    with left, right:
        assert rendezvous.peer_uid(left) == os.geteuid()


def test_a_system_that_does_not_tell_leaves_it_to_the_folder(monkeypatch):
    monkeypatch.delattr(socket, "SO_PEERCRED")
    left, right = socket.socketpair()

    with left, right:
        assert rendezvous.peer_uid(left) == os.geteuid()
