# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which secrets others could see."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import secrecy, settings


@pytest.fixture
def survey(tmp_path):
    """What settings come of a file with this text and mode."""
    path = tmp_path / "config.toml"

    def write(text, mode, **variables):
        path.write_text(text)
        path.chmod(mode)
        return settings.survey(lambda name: None, environ={"PIXELS_CONFIG": str(path), **variables})

    return write


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_secret_in_a_file_that_others_can_read_is_warned_of(survey, tmp_path, mode):
    warning = secrecy.warning(survey('[truenas]\napi_key = "k"\n', mode))

    assert warning == f"others can read the api_key in {tmp_path}/config.toml: chmod 600 {tmp_path}/config.toml"


def test_a_value_that_is_for_a_session_only_is_a_secret_as_well(survey):
    text = '[env]\nIMAGE = "x"\nTOKEN = {value = "x", session_only = true}\nOURS = {forward = true}\n'

    assert secrecy.warning(survey(text, 0o644)).startswith('others can read the env "TOKEN" in ')
    assert secrecy.warning(survey(text, 0o600)) is None
    assert secrecy.warning(survey('[env]\nIMAGE = "x"\nOURS = {forward = true}\n', 0o644)) is None


def test_a_file_of_ones_own_is_not(survey):
    assert secrecy.warning(survey('[truenas]\napi_key = "k"\n', 0o600)) is None


def test_a_file_without_a_secret_is_not(survey):
    found = survey('[truenas]\nhost = "nas"\n', 0o644, PIXELS_TRUENAS_API_KEY="k")

    assert secrecy.warning(found) is None


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("pass show nas", "pass ********"),
        ("nas-key", "nas-key"),
        ("'/opt/my tools/key' x", "/opt/my tools/key ********"),
        ("unfinished 'quote", "********"),
    ],
)
def test_what_a_command_is_given_is_not_shown(command, shown):
    assert secrecy.without_arguments(command) == shown
