# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the lookup of the table `[env]`."""

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


def test_image_variables_have_values_and_session_variables_have_names(lookup):
    image, names = lookup("image", "session_names")

    assert image == {"EDITOR": "vim"}
    assert sorted(names) == ["MODE", "TOKEN"]


@pytest.mark.parametrize("how", [{"variables": {"pixels_nas_profile": "office"}}, {"profile": "office"}])
def test_the_variables_of_the_profile_override_those_of_the_file(lookup, how):
    assert lookup("image", **how) == [{"EDITOR": "ed"}]


def test_without_a_file_there_are_no_variables(lookup, monkeypatch, tmp_path):
    monkeypatch.delenv("PIXELS_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))

    assert lookup("image", "session_names") == [{}, []]


def test_another_file_can_be_set(lookup, tmp_path):
    (tmp_path / "other.toml").write_text('[env]\nA = "1"\n')

    assert lookup("image", config=str(tmp_path / "other.toml")) == [{"A": "1"}]


def test_a_variable_that_cannot_be_written_is_named(lookup, tmp_path):
    (tmp_path / "config.toml").write_text('[env]\nA = "$NOBODY_HAS_IT"\n')

    with pytest.raises(AnsibleLookupError, match=r'env "A": it refers to \$NOBODY_HAS_IT'):
        lookup("image")


def test_an_error_names_the_line_of_the_file(lookup, tmp_path):
    (tmp_path / "config.toml").write_text("[env]\nA = 1\n")

    with pytest.raises(AnsibleLookupError, match="unsupported type integer"):
        lookup("image")


def test_an_unknown_term_is_an_error(lookup):
    with pytest.raises(AnsibleLookupError, match="unknown term 'session'"):
        lookup("session")
