# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test reading the configuration file."""

from __future__ import annotations

import os

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.config_file import (
    default_path,
    line_of,
    load,
)

KEYS = {"truenas.host": str, "truenas.port": int, "ssh.user": str}


@pytest.fixture
def read(tmp_path):
    def read_text(text, profile=None):
        path = tmp_path / "config.toml"
        path.write_text(text)
        return load(str(path)).values(KEYS, profile)

    return read_text


def test_values_come_with_their_lines(read, tmp_path):
    found = read('# comment\n[truenas]\n\nhost = "nas"\n[ssh]\nuser = "me"\n')

    assert found["truenas.host"] == ("nas", f"{tmp_path}/config.toml line 4")
    assert found["ssh.user"].location.endswith("line 6")


def test_an_empty_value_is_not_set(read):
    assert read('[truenas]\nhost = ""\n') == {}


def test_a_missing_file_has_no_values(tmp_path):
    file = load(str(tmp_path / "gone.toml"))

    assert (file.exists, file.profiles, file.values(KEYS)) == (False, [], {})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hots = 1", "line 1: unknown key hots: use one of nas, ssh, truenas"),
        ("[truenaas]\n", r"line 1: unknown key truenaas: did you mean truenas\?"),
        ("[truenas]\nprot = 1\n", r"line 2: unknown key truenas.prot: did you mean port\?"),
        ("[nas.home]\nprot = 1\n", r"line 2: unknown key nas.home.prot: did you mean port\?"),
        ("[nas.home.ssh]\nusr = 1\n", r"line 2: unknown key nas.home.ssh.usr: did you mean user\?"),
        ("ssh = 1", r"line 1: ssh must be a table: write \[ssh\]"),
        ("[nas]\nhome = 1\n", r"line 2: nas.home must be a table: write \[nas.home\]"),
        ('[truenas]\nport = "x"\n', "line 2: truenas.port "),
        ("[truenas]\nhost = \n", "line 2"),
    ],
)
def test_an_error_names_the_line_of_the_problem(read, text, problem):
    with pytest.raises(Invalid, match=problem):
        read(text)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(Invalid, match="cannot read the configuration file .*: Is a directory"):
        load(str(tmp_path))


def test_a_file_that_is_not_text_is_an_error(tmp_path):
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(Invalid, match="it is not UTF-8 text"):
        load(str(tmp_path / "config.toml"))


def test_a_byte_order_mark_is_ignored(read):
    assert read('\ufeff[truenas]\nhost = "nas"\n')["truenas.host"].value == "nas"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("[" * 3000, "nested too deeply"),
        ("{a = " * 3000, "nested too deeply"),
        ("1" * 5000, "cannot read the configuration file .*: Exceeds the limit"),
    ],
)
def test_values_that_python_cannot_parse_are_refused(read, value, problem):
    with pytest.raises(Invalid, match=problem):
        read(f"a = {value}")


@pytest.mark.parametrize(
    ("text", "table", "name", "line"),
    [
        ("a = 1\n[t]\na = 2\n", "t", "a", 3),
        ("t.a = 1\n", "t", "a", 1),
        ('[nas."home"]\nhost = 1\n', "nas.home", "host", 2),
        ("[ t ] # comment\na=1\n", "t", "a", 2),
        ("t = { a = 1 }\n", "t", "a", None),
        ("[t]\n", "", "t", 1),
    ],
)
def test_the_line_of_a_key_is_found(text, table, name, line):
    assert line_of(text, table, name) == line


def test_the_file_is_in_the_xdg_config_directory():
    assert default_path({"HOME": "/home/me"}) == "/home/me/.config/pixels/config.toml"
    assert default_path({"HOME": "/home/me", "XDG_CONFIG_HOME": "/etc/me"}) == "/etc/me/pixels/config.toml"


def test_a_user_without_a_home_has_no_files_in_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "~" / ".config" / "pixels").mkdir(parents=True)
    (tmp_path / "~" / ".config" / "pixels" / "config.toml").write_text('[truenas]\nhost = "evil"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 54_321_987)

    assert not load(default_path({})).exists
    with pytest.raises(Invalid, match="this user has no home directory: set HOME"):
        load(default_path({}), must_exist=True)
