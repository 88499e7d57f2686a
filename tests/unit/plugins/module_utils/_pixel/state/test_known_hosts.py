# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test pinned SSH host keys."""

from __future__ import annotations

import multiprocessing
import os
import stat

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.known_hosts import (
    KnownHosts,
    alias,
    default_path,
)


@pytest.fixture
def keys(tmp_path):
    return KnownHosts(tmp_path / "pixels" / "known_hosts")


def test_a_key_is_stored_by_pixel_and_nas_and_never_by_address():
    assert alias("px-web", "nas.example.org") == "px-web.nas.example.org.pixels"
    assert alias("px-web", "NAS:8443") == "px-web.nas.8443.pixels"


def test_nothing_is_known_at_first(keys):
    assert keys.find("px-web.nas.pixels") == {}


def test_a_pinned_key_is_found_by_a_later_run(keys):
    keys.pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")
    keys.pin("px-web.nas.pixels", "ssh-rsa", "BBBB")
    keys.pin("px-db.nas.pixels", "ssh-ed25519", "CCCC")

    assert KnownHosts(keys.path).find("px-web.nas.pixels") == {"ssh-ed25519": "AAAA", "ssh-rsa": "BBBB"}


def test_pinning_twice_writes_one_line(keys):
    keys.pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")
    keys.pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")

    assert keys.path.read_text() == "px-web.nas.pixels ssh-ed25519 AAAA\n"


def test_replacing_keys_leaves_those_of_other_pixels(keys):
    keys.pin("px-web.nas.pixels", "ssh-dss", "AAAA")
    keys.pin("px-db.nas.pixels", "ssh-ed25519", "CCCC")

    keys.replace("px-web.nas.pixels", {"ssh-ed25519": "BBBB", "ssh-rsa": "DDDD"})

    assert keys.find("px-web.nas.pixels") == {"ssh-ed25519": "BBBB", "ssh-rsa": "DDDD"}
    assert keys.find("px-db.nas.pixels") == {"ssh-ed25519": "CCCC"}


def test_removing_keys_leaves_those_of_other_pixels(keys):
    keys.pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")
    keys.pin("px-db.nas.pixels", "ssh-ed25519", "CCCC")

    keys.forget("px-web.nas.pixels")

    assert keys.find("px-web.nas.pixels") == {}
    assert keys.find("px-db.nas.pixels") == {"ssh-ed25519": "CCCC"}


def test_removing_unknown_keys_creates_no_file(keys):
    keys.forget("px-web.nas.pixels")

    assert not keys.path.exists()


def test_the_file_and_its_directory_are_private(keys):
    keys.pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")

    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.path.parent.stat().st_mode) == 0o700


def test_lines_without_keys_are_ignored(keys):
    keys.path.parent.mkdir()
    keys.path.write_text("# a comment\n\nbroken\npx-web.nas.pixels ssh-ed25519 AAAA a comment\n")

    assert keys.find("px-web.nas.pixels") == {"ssh-ed25519": "AAAA"}


OTHERS = (
    b"# a comment in latin-1: caf\xe9\r\n"
    b"@revoked * ssh-rsa XXXX\n"
    b"\n"
    b"a.example.org,192.0.2.7 ssh-rsa YYYY me@example.org\n"
    b"|1|hash|hash= ssh-rsa ZZZZ"
)


def test_other_lines_are_unchanged(keys):
    keys.path.parent.mkdir()
    keys.path.write_bytes(OTHERS)
    keys.path.chmod(0o644)

    keys.pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")
    assert keys.path.read_bytes() == OTHERS + b"\npx-web.nas.pixels ssh-ed25519 AAAA\n"

    keys.forget("px-web.nas.pixels")
    assert keys.path.read_bytes() == OTHERS + b"\n"
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o644


def test_the_target_of_a_symlink_is_replaced_in_its_directory(keys, tmp_path):
    keys.path.parent.mkdir()
    keys.path.symlink_to(tmp_path / "elsewhere")

    keys.pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")

    assert keys.path.is_symlink()
    assert (tmp_path / "elsewhere").read_text() == "px-web.nas.pixels ssh-ed25519 AAAA\n"


def pin(path, number):
    KnownHosts(path).pin(f"px-{number}.nas.pixels", "ssh-ed25519", str(number))


def test_processes_that_pin_at_the_same_time_lose_no_key(keys):
    processes = [multiprocessing.Process(target=pin, args=(keys.path, number)) for number in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert len(keys.path.read_text().splitlines()) == 8


def test_the_file_is_in_the_xdg_state_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert default_path() == tmp_path / "pixels" / "known_hosts"


def test_names_that_differ_in_case_only_have_separate_keys():
    names = [alias(name, "NAS:8443") for name in ("px-web", "px-Web", "px-WEB", "px-wEb")]

    assert names[0] == "px-web.nas.8443.pixels"
    assert len(set(names)) == 4
    assert all(name == name.lower() for name in names)


def test_keys_that_cannot_be_stored_are_known_to_this_process_with_a_warning(tmp_path):
    # Without a lock, the file cannot be written.
    (tmp_path / "known_hosts.lock").mkdir()
    warnings = []
    keys = KnownHosts(tmp_path / "known_hosts", warn=warnings.append)

    keys.pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")

    assert keys.find("px-web.nas.pixels") == {"ssh-ed25519": "AAAA"}
    assert "cannot store the SSH host key of px-web.nas.pixels: cannot write" in warnings[0]
    assert warnings[0].endswith("Set XDG_STATE_HOME to a directory that can be written")
    keys.forget("px-web.nas.pixels")
    assert keys.find("px-web.nas.pixels") == {}


def test_keys_are_copied_to_the_writable_directory(monkeypatch, tmp_path):
    state = tmp_path / ".local" / "state"
    KnownHosts(state / "pixels" / "known_hosts").pin("px-web.nas.pixels", "ssh-ed25519", "AAAA")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    warnings = []

    keys = KnownHosts(warn=warnings.append)
    again = KnownHosts(warn=warnings.append)

    assert keys.path != state / "pixels" / "known_hosts"
    assert keys.find("px-web.nas.pixels") == again.find("px-web.nas.pixels") == {"ssh-ed25519": "AAAA"}
    assert warnings[0].startswith("cannot store the SSH host keys of pixels permanently: cannot write to ")
