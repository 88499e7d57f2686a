# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that nothing a pixel sends is written outside of the folder it is for."""

from __future__ import annotations

import io
import os

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.receiving import Unwelcome, replacing


def test_a_folder_takes_its_place_once_it_is_complete(tmp_path):
    target = tmp_path / "here"
    target.mkdir()
    (target / "old").touch()

    with replacing(str(target)) as folder:
        folder.add_folder(".", 0o755)
        folder.add_folder("./closed", 0o555)
        folder.add_file("./closed/file", 0o4640, io.BytesIO(b"new"))
        folder.add_link("./closed/link", "../closed/file")
        assert [path.name for path in target.iterdir()] == ["old"]

    assert (target / "closed" / "link").read_bytes() == b"new"
    assert (target / "closed" / "file").stat().st_mode & 0o7777 == 0o640
    assert (target / "closed").stat().st_mode & 0o7777 == 0o555
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_one_that_is_broken_off_leaves_what_was_there(tmp_path):
    target = tmp_path / "here"
    target.mkdir()
    (target / "old").touch()

    with pytest.raises(RuntimeError), replacing(str(target)) as folder:
        folder.add_folder(".", 0o755)
        folder.add_folder("closed", 0o000)
        raise RuntimeError

    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    assert [path.name for path in target.iterdir()] == ["old"]


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, PermissionError])
def test_what_was_there_comes_back_when_it_ends_between_the_two_renames(tmp_path, monkeypatch, trouble):
    target = tmp_path / "here"
    target.mkdir()
    (target / "old").touch()
    real = os.rename

    def rename(source, destination):
        if len(moves) == 1:
            moves.append("the new one")
            raise trouble
        moves.append(source)
        real(source, destination)

    moves: list[str] = []
    monkeypatch.setattr(os, "rename", rename)

    with pytest.raises(trouble), replacing(str(target)) as folder:
        folder.add_folder(".", 0o755)

    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    assert [path.name for path in target.iterdir()] == ["old"]


def test_what_was_there_is_kept_when_it_cannot_even_come_back(tmp_path, monkeypatch):
    target = tmp_path / "here"
    target.mkdir()
    (target / "old").touch()
    real = os.rename

    def rename(source, destination):
        if moves:
            raise PermissionError(13, "not here")
        moves.append(source)
        real(source, destination)

    moves: list[str] = []
    monkeypatch.setattr(os, "rename", rename)

    with pytest.raises(PermissionError), replacing(str(target)) as folder:
        folder.add_folder(".", 0o755)

    [left] = tmp_path.iterdir()
    assert [path.name for path in left.iterdir()] == ["old"]


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "never-made/file", "link/file", "file/file"])
def test_nothing_is_written_outside_of_it_or_through_what_is_no_folder(tmp_path, name):
    with (
        pytest.raises(Unwelcome, match="is not inside of the folder|is in no folder that came before it"),
        replacing(str(tmp_path / "here")) as folder,
    ):
        folder.add_folder(".", 0o755)
        folder.add_folder("a", 0o755)
        folder.add_link("link", "a")
        folder.add_file("file", 0o644, io.BytesIO())
        folder.add_file(name, 0o644, io.BytesIO(b"out"))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["/", "/etc/passwd", "..", "../../x", "a/../../x"])
def test_a_link_that_leads_out_of_it_is_refused(tmp_path, target):
    with pytest.raises(Unwelcome, match="leads out of the folder"), replacing(str(tmp_path / "here")) as folder:
        folder.add_folder(".", 0o755)
        folder.add_link("link", target)


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_no_folder_is_not_replaced(tmp_path, kind):
    target = tmp_path / "here"
    target.touch() if kind == "file" else target.symlink_to(tmp_path)

    with pytest.raises(Unwelcome, match="here is no folder"), replacing(str(target)):
        pass

    assert target.is_symlink() == (kind == "link")
