# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the last listing of a NAS."""

from __future__ import annotations

import stat

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._ansible.last_listing import LastListing


@pytest.fixture
def last(tmp_path):
    return LastListing("nas", "root", directory=tmp_path / "pixels")


def test_what_is_written_is_read(last):
    last.write([{"name": "web"}])

    assert last.read() == [{"name": "web"}]


def test_nothing_is_remembered_at_first(last):
    assert last.read() is None


def test_each_account_of_each_nas_has_its_own(last, tmp_path):
    last.write([{"name": "web"}])

    assert LastListing("nas", "admin", directory=tmp_path / "pixels").read() is None
    assert LastListing("other", "root", directory=tmp_path / "pixels").read() is None


@pytest.mark.parametrize("content", ["", "{", '"text"', "\x00"])
def test_an_unreadable_listing_is_ignored(last, content):
    last.path.parent.mkdir()
    last.path.write_text(content)

    assert last.read() is None


def test_the_file_is_private(last):
    last.write([])

    assert stat.S_IMODE(last.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(last.path.parent.stat().st_mode) == 0o700


def test_a_directory_that_cannot_be_created_is_no_error(tmp_path):
    (tmp_path / "pixels").write_text("a file in the way")
    last = LastListing("nas", "root", directory=tmp_path / "pixels")

    last.write([{"name": "web"}])

    assert last.read() is None
