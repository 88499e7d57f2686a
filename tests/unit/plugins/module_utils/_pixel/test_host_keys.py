# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of pinned SSH host keys."""

from __future__ import annotations

import multiprocessing
import stat

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.host_keys import HostKeys, alias, default_path


@pytest.fixture
def keys(tmp_path):
    return HostKeys(tmp_path / "pixels" / "known_hosts")


def test_a_key_is_kept_by_pixel_and_nas_and_never_by_address():
    assert alias("px-web", "nas.example.org") == "px-web.nas.example.org.pixels"
    assert alias("px-web", "NAS:8443") == "px-web.nas.8443.pixels"


def test_nothing_is_known_at_first(keys):
    assert keys.find("px-web.nas.pixels") == {}


def test_a_pinned_key_is_found_by_a_later_run(keys):
    keys.pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")
    keys.pin("px-web.nas.pixels", "ssh-rsa", "BBBB")
    keys.pin("px-db.nas.pixels", "ssh-ed25519", "CCCC")

    assert HostKeys(keys.path).find("px-web.nas.pixels") == {"ssh-ed25519": "AAAA", "ssh-rsa": "BBBB"}


def test_pinning_twice_writes_one_line(keys):
    keys.pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")
    keys.pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")

    assert keys.path.read_text() == "px-web.nas.pixels ssh-ed25519 AAAA\n"


def test_forgetting_leaves_the_keys_of_others(keys):
    keys.pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")
    keys.pin("px-db.nas.pixels", "ssh-ed25519", "CCCC")

    keys.forget("px-web.nas.pixels")

    assert keys.find("px-web.nas.pixels") == {}
    assert keys.find("px-db.nas.pixels") == {"ssh-ed25519": "CCCC"}


def test_forgetting_what_was_never_known_makes_no_file(keys):
    keys.forget("px-web.nas.pixels")

    assert not keys.path.exists()


def test_others_cannot_read_the_file_or_its_folder(keys):
    keys.pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")

    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.path.parent.stat().st_mode) == 0o700


def test_lines_that_are_no_keys_are_passed_over(keys):
    keys.path.parent.mkdir()
    keys.path.write_text("# a comment\n\nbroken\npx-web.nas.pixels ssh-ed25519 AAAA a comment\n")

    assert keys.find("px-web.nas.pixels") == {"ssh-ed25519": "AAAA"}


def pin(path, number):
    HostKeys(path).pin(f"px-{number}.nas.pixels", "ssh-ed25519", str(number))


def test_processes_that_pin_at_once_lose_no_key(keys):
    processes = [multiprocessing.Process(target=pin, args=(keys.path, number)) for number in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert len(keys.path.read_text().splitlines()) == 8


def test_the_file_follows_the_xdg_state_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert default_path() == tmp_path / "pixels" / "known_hosts"
