# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test files with one text for each pixel."""

from __future__ import annotations

import json
import threading

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.pixel_records import PixelRecords


class Texts(PixelRecords):
    KIND = "texts"


@pytest.fixture
def records(tmp_path):
    return Texts("nas", directory=str(tmp_path / "pixels"))


def test_each_nas_has_its_own(tmp_path):
    Texts("nas", directory=str(tmp_path)).set_text("px-web", "10.0.0.1")

    assert Texts("nas:8443", directory=str(tmp_path)).text("px-web") is None
    assert Texts("NAS", directory=str(tmp_path)).text("px-web") == "10.0.0.1"


def test_the_file_is_private(records, tmp_path):
    records.set_text("px-web", "10.0.0.1")

    assert (tmp_path / "pixels").stat().st_mode & 0o077 == 0
    with open(records.path) as file:
        assert json.load(file) == {"px-web": "10.0.0.1"}


@pytest.mark.parametrize("text", ["", "{broken", "[]", "5", '{"px-web": 5}', "\x00"])
def test_an_invalid_file_has_no_records(records, text):
    records.set_text("px-web", "10.0.0.1")
    with open(records.path, "w") as file:
        file.write(text)

    assert records.text("px-web") is None
    records.set_text("px-web", "10.0.0.3")
    assert records.text("px-web") == "10.0.0.3"


def test_without_a_writable_directory_nothing_is_remembered(tmp_path):
    (tmp_path / "file").write_text("")
    records = Texts("nas", directory=str(tmp_path / "file"))

    records.set_text("px-web", "10.0.0.1")

    assert records.text("px-web") is None


def test_writers_at_the_same_time_lose_nothing(tmp_path):
    def note(number):
        Texts("nas", directory=str(tmp_path)).set_text(f"px-{number}", "10.0.0.1")

    threads = [threading.Thread(target=note, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(Texts("nas", directory=str(tmp_path)).text(f"px-{number}") for number in range(20))
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".new"] == []
