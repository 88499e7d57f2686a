# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test reading and replacing files of the user."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import atomic_file
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_and_its_directory_are_private(tmp_path):
    path = tmp_path / "new" / "file"

    atomic_file.replace(path, b"content")

    assert path.read_bytes() == b"content"
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


@pytest.mark.parametrize("before", [0o644, 0o600, 0o664, 0o400, 0o444])
def test_a_file_keeps_its_mode(tmp_path, before):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    path.chmod(before)

    atomic_file.replace(path, b"after")

    assert path.read_bytes() == b"after"
    assert mode(path) == before
    assert list(tmp_path.iterdir()) == [path]


@as_root
def test_a_file_keeps_its_owner_and_group(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    os.chown(path, 12345, 23456)
    path.chmod(0o640)

    atomic_file.replace(path, b"after")

    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (12345, 23456, 0o640)


def test_a_file_keeps_its_extended_attributes(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    try:
        os.setxattr(path, "user.origin", b"dotfiles")
    except OSError:
        pytest.skip("this file system has no extended attributes")

    atomic_file.replace(path, b"after")

    assert os.getxattr(path, "user.origin") == b"dotfiles"


def test_a_symlink_stays_and_its_target_is_replaced(tmp_path):
    target, link = tmp_path / "dotfiles" / "config", tmp_path / "config"
    target.parent.mkdir()
    target.write_bytes(b"before")
    target.chmod(0o644)
    link.symlink_to(target)

    atomic_file.replace(link, b"after")

    assert link.is_symlink()
    assert (target.read_bytes(), mode(target)) == (b"after", 0o644)
    assert list(target.parent.iterdir()) == [target]


def test_the_missing_target_of_a_symlink_is_created(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("target")

    assert atomic_file.read(link) == b""
    atomic_file.replace(link, b"after")

    assert (tmp_path / "target").read_bytes() == b"after"
    assert link.is_symlink()


def test_a_symlink_into_a_missing_directory_is_refused(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "not mounted" / "config")

    with pytest.raises(Refused, match=f"cannot write {link}: No such file or directory"):
        atomic_file.replace(link, b"after")
    assert list(tmp_path.iterdir()) == [link]


def test_a_symlink_loop_is_refused(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(link)

    with pytest.raises(Refused, match="cannot read"):
        atomic_file.read(link)
    with pytest.raises(Refused, match="cannot write"):
        atomic_file.replace(link, b"after")
    assert list(tmp_path.iterdir()) == [link]


def test_a_file_that_is_not_regular_is_refused(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    for path in (pipe, tmp_path):
        with pytest.raises(Refused, match="it is not a regular file"):
            atomic_file.read(path)
        with pytest.raises(Refused, match="it is not a regular file"):
            atomic_file.replace(path, b"after")
    assert list(tmp_path.iterdir()) == [pipe]


@pytest.mark.parametrize("call", ["replace", "fsync", "fchown"])
def test_a_failure_leaves_the_file_unchanged_and_no_other_file(tmp_path, monkeypatch, call):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    if os.geteuid() == 0:
        os.chown(path, 12345, 12345)
    elif call == "fchown":
        pytest.skip("only root has a file of another user in a directory of its own")

    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(atomic_file.os, call, full)
        with pytest.raises(Refused, match=f"cannot write {path}: No space left on device"):
            atomic_file.replace(path, b"after")

    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
