# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the files of a container are reached, and no others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.simulator.engines.lxc.rootfs import Rootfs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A root directory whose files belong to the user of the tests, which is the container's root."""
    (tmp_path / "outside").write_text("secret")
    root = tmp_path / "rootfs"
    (root / "etc").mkdir(parents=True)
    (root / "etc/hostname").write_text("px-web\n")
    return root


@pytest.fixture
def rootfs(folder: Path) -> Rootfs:
    return Rootfs(folder, first_id=os.getuid(), ids=1)


def write(rootfs: Rootfs, path: str, text: str, *, append: bool = False, mode: int | None = None) -> None:
    rootfs.write(path, text.encode(), append=append, mode=mode, uid=-1, gid=-1)


def test_a_file_is_written_with_the_directories_above_it(rootfs: Rootfs, folder: Path) -> None:
    write(rootfs, "/srv/app/note", "one", mode=0o600)
    write(rootfs, "/srv/app/note", " two", append=True)

    found = rootfs.stat("/srv/app/note")
    assert found is not None
    assert (found.type, found.size, found.mode & 0o777, found.uid) == ("FILE", 7, 0o600, 0)
    assert (folder / "srv/app/note").read_text() == "one two"
    assert rootfs.list_directory("/srv") == ["app"]


def test_symlinks_lead_where_they_lead_in_the_container(rootfs: Rootfs, folder: Path) -> None:
    (folder / "absolute").symlink_to("/etc/hostname")
    (folder / "above").symlink_to("../../../outside")
    (folder / "etc/elsewhere").symlink_to("/tmp")

    assert rootfs.read("/absolute") == b"px-web\n"
    with pytest.raises(FileNotFoundError):
        rootfs.read("/above")
    with pytest.raises(FileNotFoundError):
        rootfs.read("/../outside")
    with pytest.raises(FileNotFoundError):
        rootfs.read("/etc/elsewhere/anything")


def test_a_symlink_is_described_and_not_followed(rootfs: Rootfs, folder: Path) -> None:
    (folder / "link").symlink_to("/etc/hostname")

    found = rootfs.stat("/link")

    assert found is not None
    assert (found.type, found.target) == ("SYMLINK", "/etc/hostname")


def test_what_is_not_there_is_nothing_or_an_error(rootfs: Rootfs) -> None:
    assert rootfs.stat("/nothing") is None
    assert rootfs.stat("/etc/hostname/below") is None
    with pytest.raises(FileNotFoundError):
        rootfs.list_directory("/nothing")
    with pytest.raises(IsADirectoryError):
        write(rootfs, "/etc", "text")


def test_ids_that_no_container_has_belong_to_the_user_nobody(folder: Path) -> None:
    rootfs = Rootfs(folder, first_id=os.getuid() + 1, ids=10)

    found = rootfs.stat("/etc/hostname")

    assert found is not None
    assert found.uid == 65_534
