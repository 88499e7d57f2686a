# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what is remembered of addresses."""

from __future__ import annotations

import json
import threading

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.addresses import Addresses, default_folder


@pytest.fixture
def addresses(tmp_path):
    return Addresses("nas", folder=str(tmp_path / "pixels"))


def test_an_address_is_remembered_and_forgotten(addresses):
    assert addresses.find("px-web") is None
    addresses.note("px-web", "10.0.0.1")
    addresses.note("px-web", "10.0.0.2")
    assert addresses.find("px-web") == "10.0.0.2"
    addresses.forget("px-web")
    assert addresses.find("px-web") is None


def test_each_nas_has_its_own(tmp_path):
    Addresses("nas", folder=str(tmp_path)).note("px-web", "10.0.0.1")

    assert Addresses("nas:8443", folder=str(tmp_path)).find("px-web") is None
    assert Addresses("NAS", folder=str(tmp_path)).find("px-web") == "10.0.0.1"


def test_others_cannot_read_it(addresses, tmp_path):
    addresses.note("px-web", "10.0.0.1")

    assert (tmp_path / "pixels").stat().st_mode & 0o077 == 0
    with open(addresses.path) as file:
        assert json.load(file) == {"px-web": "10.0.0.1"}


@pytest.mark.parametrize("text", ["", "{broken", "[]", "5", '{"px-web": 5}', "\x00"])
def test_what_makes_no_sense_is_as_if_nothing_was_there(addresses, text):
    addresses.note("px-web", "10.0.0.1")
    with open(addresses.path, "w") as file:
        file.write(text)

    assert addresses.find("px-web") is None
    addresses.note("px-web", "10.0.0.3")
    assert addresses.find("px-web") == "10.0.0.3"


def test_where_nothing_can_be_written_nothing_is_remembered(tmp_path):
    (tmp_path / "file").write_text("")
    addresses = Addresses("nas", folder=str(tmp_path / "file"))

    addresses.note("px-web", "10.0.0.1")

    assert addresses.find("px-web") is None


def test_writers_at_the_same_time_lose_nothing(tmp_path):
    def note(number):
        Addresses("nas", folder=str(tmp_path)).note(f"px-{number}", "10.0.0.1")

    threads = [threading.Thread(target=note, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(Addresses("nas", folder=str(tmp_path)).find(f"px-{number}") for number in range(20))
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".new"] == []


def test_it_is_where_xdg_says(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")
    assert default_folder() == "/var/cache/me/pixels"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert default_folder() == "/home/me/.cache/pixels"
