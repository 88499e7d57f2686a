# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what playbooks see of the table env."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader

FILE = """
[env]
EDITOR = "vim"
TOKEN = {forward = true}
MODE = {value = "secret", session_only = true}
[nas.office.env]
EDITOR = "ed"
"""


@pytest.fixture
def lookup(tmp_path, monkeypatch):
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    path.chmod(0o600)
    monkeypatch.setenv("PIXELS_CONFIG", str(path))
    monkeypatch.setenv("TOKEN", "secret")

    def run(*terms, variables=None, **options):
        return lookup_loader.get("pixels.truenas.environment").run(list(terms), variables, **options)

    return run


def test_what_is_written_has_values_and_what_is_not_only_names(lookup):
    image, names = lookup("image", "session_names")

    assert image == {"EDITOR": "vim"}
    assert sorted(names) == ["MODE", "TOKEN"]


@pytest.mark.parametrize("how", [{"variables": {"pixels_nas_profile": "office"}}, {"profile": "office"}])
def test_the_variables_of_the_hosts_nas_count_for_more(lookup, how):
    assert lookup("image", **how) == [{"EDITOR": "ed"}]


def test_without_a_file_there_are_none(lookup, monkeypatch, tmp_path):
    monkeypatch.delenv("PIXELS_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))

    assert lookup("image", "session_names") == [{}, []]


def test_another_file_may_be_named(lookup, tmp_path):
    (tmp_path / "other.toml").write_text('[env]\nA = "1"\n')

    assert lookup("image", config=str(tmp_path / "other.toml")) == [{"A": "1"}]


def test_what_cannot_be_written_is_told_with_its_name(lookup, tmp_path):
    (tmp_path / "config.toml").write_text('[env]\nA = "$NOBODY_HAS_IT"\n')

    with pytest.raises(AnsibleLookupError, match=r'env "A": it refers to \$NOBODY_HAS_IT'):
        lookup("image")


def test_a_file_that_is_wrong_is_told_with_its_line(lookup, tmp_path):
    (tmp_path / "config.toml").write_text("[env]\nA = 1\n")

    with pytest.raises(AnsibleLookupError, match="unsupported type integer"):
        lookup("image")


def test_a_term_that_is_none_is_told(lookup):
    with pytest.raises(AnsibleLookupError, match="there is no 'session'"):
        lookup("session")
