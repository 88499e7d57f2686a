# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of reading the configuration file; test_settings.py has what becomes of its values."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config_file import default_path, line_of, load

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
    assert found["ssh.user"].place.endswith("line 6")


def test_what_is_empty_is_not_set(read):
    assert read('[truenas]\nhost = ""\n') == {}


def test_a_file_that_is_not_there_says_nothing(tmp_path):
    file = load(str(tmp_path / "gone.toml"))

    assert (file.exists, file.profiles, file.values(KEYS)) == (False, [], {})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hots = 1", "line 1: unknown key hots: there are nas, ssh, truenas"),
        ("[truenaas]\n", r"line 1: unknown key truenaas: did you mean truenas\?"),
        ("[truenas]\nprot = 1\n", r"line 2: unknown key truenas.prot: did you mean port\?"),
        ("[nas.home]\nprot = 1\n", r"line 2: unknown key nas.home.prot: did you mean port\?"),
        ("[nas.home.ssh]\nusr = 1\n", r"line 2: unknown key nas.home.ssh.usr: did you mean user\?"),
        ("ssh = 1", r"line 1: ssh is a table: write \[ssh\]"),
        ("[nas]\nhome = 1\n", r"line 2: nas.home is a table: write \[nas.home\]"),
        ('[truenas]\nport = "x"\n', "line 2: truenas.port "),
        ("[truenas]\nhost = \n", "line 2"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(read, text, problem):
    with pytest.raises(Invalid, match=problem):
        read(text)


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(Invalid, match="cannot be read: Is a directory"):
        load(str(tmp_path))


def test_a_file_that_is_no_text_is_told(tmp_path):
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(Invalid, match="is not text in UTF-8"):
        load(str(tmp_path / "config.toml"))


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


def test_the_file_is_where_xdg_says():
    assert default_path({"HOME": "/home/me"}) == "/home/me/.config/pixels/config.toml"
    assert default_path({"HOME": "/home/me", "XDG_CONFIG_HOME": "/etc/me"}) == "/etc/me/pixels/config.toml"
