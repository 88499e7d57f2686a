# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the note that a listing leaves for the next one."""

from __future__ import annotations

import json

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli import nas_note


@pytest.fixture
def note(tmp_path, monkeypatch):
    """A valid note, and the path of its configuration file."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = tmp_path / "config.toml"
    config.write_text("[truenas]\n")
    (tmp_path / "cache/pixels").mkdir(parents=True, mode=0o700)
    nas_note.write_file(
        {"context": nas_note.context(), "config": str(config), "stamp": nas_note.stamp(str(config)), "nas": None}
    )
    return config


def test_a_note_is_valid_until_a_variable_or_the_configuration_changes(note, monkeypatch):
    assert nas_note.read() is not None

    monkeypatch.setenv("PIXELS_NAS", "other")
    assert nas_note.read() is None

    monkeypatch.delenv("PIXELS_NAS")
    note.write_text("[truenas]\nhost = 'other'\n")
    assert nas_note.read() is None


def test_a_note_in_the_working_directory_is_not_read(note, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")

    assert nas_note.read() is None


def test_secrets_are_no_part_of_it(monkeypatch):
    for variable in nas_note.SECRETS:
        monkeypatch.setenv(variable, "secret")

    assert "secret" not in json.dumps(nas_note.context())


def test_a_secret_is_read_from_where_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("PIXELS_TRUENAS_API_KEY", "of the environment")
    (tmp_path / "key").write_text("of a file\n")
    (tmp_path / "config.toml").write_text('[nas.lab]\napi_key = "of a profile"\n')
    places = [
        {"variable": "PIXELS_TRUENAS_API_KEY"},
        {"file": str(tmp_path / "key")},
        {"file": str(tmp_path / "config.toml"), "table": ["nas", "lab", "api_key"]},
    ]

    found = [nas_note.secret_of({"secret": place}) for place in places]

    assert found == ["of the environment", "of a file", "of a profile"]
