# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that nothing from a pixel is written outside of its destination."""

from __future__ import annotations

import io
import os

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import extraction
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.extraction import UnsafeEntry, replacing


def test_a_directory_takes_its_place_once_it_is_complete(tmp_path):
    target = tmp_path / "here"
    target.mkdir()
    (target / "old").touch()

    with replacing(str(target)) as directory:
        directory.add_directory(".", 0o755)
        directory.add_directory("./closed", 0o555)
        directory.add_file("./closed/file", 0o4640, io.BytesIO(b"new"))
        directory.add_symlink("./closed/link", "../closed/file")
        assert [path.name for path in target.iterdir()] == ["old"]

    assert (target / "closed" / "link").read_bytes() == b"new"
    assert (target / "closed" / "file").stat().st_mode & 0o7777 == 0o640
    assert (target / "closed").stat().st_mode & 0o7777 == 0o555
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_one_that_is_broken_off_leaves_what_was_there(tmp_path):
    target = tmp_path / "here"
    target.mkdir()
    (target / "old").touch()

    with pytest.raises(RuntimeError), replacing(str(target)) as directory:
        directory.add_directory(".", 0o755)
        directory.add_directory("closed", 0o000)
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

    with pytest.raises(trouble), replacing(str(target)) as directory:
        directory.add_directory(".", 0o755)

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

    with pytest.raises(PermissionError), replacing(str(target)) as directory:
        directory.add_directory(".", 0o755)

    [left] = tmp_path.iterdir()
    assert [path.name for path in left.iterdir()] == ["old"]


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "never-made/file", "link/file", "file/file"])
def test_nothing_is_written_outside_of_it_or_through_what_is_no_directory(tmp_path, name):
    with (
        pytest.raises(UnsafeEntry, match="is not inside the directory|comes before its directory"),
        replacing(str(tmp_path / "here")) as directory,
    ):
        directory.add_directory(".", 0o755)
        directory.add_directory("a", 0o755)
        directory.add_symlink("link", "a")
        directory.add_file("file", 0o644, io.BytesIO())
        directory.add_file(name, 0o644, io.BytesIO(b"out"))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["/", "/etc/passwd", "..", "../../x", "a/../../x"])
def test_a_link_that_leads_out_of_it_is_refused(tmp_path, target):
    with pytest.raises(UnsafeEntry, match="leads out of the directory"), replacing(str(tmp_path / "here")) as directory:
        directory.add_directory(".", 0o755)
        directory.add_symlink("link", target)


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_no_directory_is_not_replaced(tmp_path, kind):
    target = tmp_path / "here"
    target.touch() if kind == "file" else target.symlink_to(tmp_path)

    with pytest.raises(UnsafeEntry, match="on the controller is not a directory"), replacing(str(target)):
        pass

    assert target.is_symlink() == (kind == "link")


def test_a_link_that_leads_out_through_another_link_is_refused(tmp_path):
    with (
        pytest.raises(UnsafeEntry, match="e is a symlink that leads out of the directory"),
        replacing(str(tmp_path / "here")) as directory,
    ):
        directory.add_directory(".", 0o755)
        # The first two come before what they lead through.
        directory.add_symlink("e", "a/b/up/../../../etc/passwd")
        directory.add_directory("a", 0o755)
        directory.add_directory("a/b", 0o755)
        directory.add_symlink("a/b/up", "../..")

    assert list(tmp_path.iterdir()) == []


def test_links_within_it_may_lead_through_each_other_and_to_nothing(tmp_path):
    with replacing(str(tmp_path / "here")) as directory:
        directory.add_directory(".", 0o755)
        directory.add_directory("a", 0o755)
        directory.add_symlink("a/up", "..")
        directory.add_symlink("file", "a/up/a/up/none")
        directory.add_symlink("self", "a/up")

    assert (tmp_path / "here" / "file").readlink().as_posix() == "a/up/a/up/none"


@pytest.mark.parametrize("target", ["../here/file", "../../x", "a/../.."])
def test_a_link_that_leaves_and_comes_back_is_refused_as_well(tmp_path, target):
    with pytest.raises(UnsafeEntry, match="leads out of the directory"), replacing(str(tmp_path / "here")) as directory:
        directory.add_directory(".", 0o755)
        directory.add_directory("a", 0o755)
        directory.add_symlink("link", target)


@pytest.mark.parametrize("links", [{"a": "a"}, {"a": "b", "b": "a"}, {f"{n}": f"{n + 1}" for n in range(1500)}])
def test_links_that_lead_nowhere_but_to_each_other_are_refused(tmp_path, links):
    with (
        pytest.raises(UnsafeEntry, match="leads to itself|through too many others"),
        replacing(str(tmp_path / "here")) as directory,
    ):
        directory.add_directory(".", 0o755)
        for name, target in links.items():
            directory.add_symlink(name, target)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x\0y", "a/../b", "./..", "a" * 300])
def test_a_name_that_no_tree_has_is_refused(tmp_path, name):
    with pytest.raises((UnsafeEntry, OSError)), replacing(str(tmp_path / "here")) as directory:
        directory.add_directory(".", 0o755)
        directory.add_directory("a", 0o755)
        directory.add_file(name, 0o644, io.BytesIO(b"out"))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["", "x\0y"])
def test_a_link_that_cannot_be_made_is_refused(tmp_path, target):
    with pytest.raises(UnsafeEntry, match="cannot be created"), replacing(str(tmp_path / "here")) as directory:
        directory.add_directory(".", 0o755)
        directory.add_symlink("link", target)


def test_each_duplicate_name_is_refused(tmp_path):
    ways = [
        lambda directory: directory.add_directory("x", 0o755),
        lambda directory: directory.add_file("./x", 0o644, io.BytesIO()),
        lambda directory: directory.add_symlink("x", "y"),
        lambda directory: directory.add_hard_link("x", "file"),
    ]
    for first in ways:
        for second in ways:
            with (
                pytest.raises(UnsafeEntry, match="x comes more than once"),
                replacing(str(tmp_path / "here")) as directory,
            ):
                directory.add_directory(".", 0o755)
                directory.add_file("file", 0o644, io.BytesIO())
                first(directory)
                second(directory)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["none", "a", "link", "../out", "/etc/passwd", "."])
def test_a_hard_link_to_what_is_no_file_that_came_is_refused(tmp_path, target):
    (tmp_path / "out").touch()

    with pytest.raises(UnsafeEntry, match="not an earlier file"), replacing(str(tmp_path / "here")) as directory:
        directory.add_directory(".", 0o755)
        directory.add_directory("a", 0o755)
        directory.add_symlink("link", "file")
        directory.add_file("file", 0o644, io.BytesIO())
        directory.add_hard_link("hard", target)


def test_a_hard_link_is_the_same_file_and_takes_no_room(tmp_path):
    with replacing(str(tmp_path / "here")) as directory:
        directory.add_directory(".", 0o755)
        directory.add_file("file", 0o600, io.BytesIO(b"content"))
        directory.add_hard_link("hard", "./file")

    assert (tmp_path / "here" / "hard").samefile(tmp_path / "here" / "file")


def test_directories_within_each_other_have_an_end(tmp_path):
    with (
        pytest.raises(UnsafeEntry, match="has more than 256 levels of directories"),
        replacing(str(tmp_path / "here")) as directory,
    ):
        directory.add_directory(".", 0o755)
        for depth in range(1, 1400):
            directory.add_directory("/".join("d" * depth), 0o755)

    assert list(tmp_path.iterdir()) == []


def test_there_are_not_too_many_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "ENTRY_LIMIT", 3)

    with pytest.raises(UnsafeEntry, match="more than 3 files"), replacing(str(tmp_path / "here")) as directory:
        directory.add_directory(".", 0o755)
        for name in "abc":
            directory.add_symlink(name, "x")


def test_too_many_links_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "LINK_LIMIT", 3)

    with pytest.raises(UnsafeEntry, match="more than 3 links"), replacing(str(tmp_path / "here")) as directory:
        directory.add_directory(".", 0o755)
        directory.add_file("file", 0o644, io.BytesIO())
        for number in range(2):
            directory.add_symlink(f"symlink{number}", "file")
            directory.add_hard_link(f"hard{number}", "file")

    assert list(tmp_path.iterdir()) == []


def test_links_that_lead_through_long_links_take_no_longer(tmp_path, monkeypatch):
    # As many as the targets have components; followed for each link alone it would be about 5 million.
    monkeypatch.setattr(extraction, "FREE_STEPS", 30 * 1601)

    with replacing(str(tmp_path / "here")) as directory:
        directory.add_directory(".", 0o755)
        directory.add_directory("d", 0o755)
        for number in range(30):
            directory.add_symlink(f"hop{number}", "d/../" * 800 + f"hop{number + 1}")
        for number in range(100):
            directory.add_symlink(f"link{number}", "hop0")

    assert (tmp_path / "here" / "link99").is_symlink()


def test_targets_with_too_many_components_are_refused(tmp_path):
    with (
        pytest.raises(UnsafeEntry, match="is one of too many symlinks with long targets"),
        replacing(str(tmp_path / "here")) as directory,
    ):
        directory.add_directory(".", 0o755)
        directory.add_directory("d", 0o755)
        for number in range(200):
            directory.add_symlink(f"link{number}", "d/../" * 800)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["x" * 4096, "d/../" * 1000, "\udcff/" * 2048])
def test_a_target_that_is_longer_than_a_path_is_refused(tmp_path, target):
    with (
        pytest.raises(UnsafeEntry, match="target of more than 4095 bytes"),
        replacing(str(tmp_path / "here")) as directory,
    ):
        directory.add_directory(".", 0o755)
        directory.add_symlink("link", target)


def test_as_many_links_in_a_row_are_followed_as_the_kernel_follows(tmp_path):
    with replacing(str(tmp_path / "here")) as directory:
        directory.add_directory(".", 0o755)
        directory.add_file("40", 0o644, io.BytesIO(b"found"))
        for number in range(40):
            directory.add_symlink(str(number), str(number + 1))

    assert (tmp_path / "here" / "0").read_bytes() == b"found"

    with pytest.raises(UnsafeEntry, match="through too many others"), replacing(str(tmp_path / "more")) as directory:
        directory.add_directory(".", 0o755)
        for number in range(41):
            directory.add_symlink(str(number), str(number + 1))
