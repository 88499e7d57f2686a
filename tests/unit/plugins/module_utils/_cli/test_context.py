# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of where a verb is carried out."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli import arguments
from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output


@pytest.fixture
def place(monkeypatch, home):
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return lambda *words: CliContext(arguments.parse([*words, "list"]), Output())


def test_options_of_the_command_line_are_settings(place):
    found = place("--host", "nas", "-u", "me", "--api-key-file", "/k").resolved

    assert [found[name] for name in ("host", "username", "api_key_file")] == ["nas", "me", "/k"]


def test_it_is_known_whether_the_command_line_set_a_nas(place):
    assert place("--nas", "home").by_options
    assert not place("--json").by_options


def test_the_name_of_the_nas_needs_no_credential(place):
    assert place("--host", "nas").nas == "nas"


def test_a_key_among_the_arguments_causes_a_warning(place, capsys):
    place("--api-key", "1-secret")

    warning = capsys.readouterr().err
    assert warning.startswith("Warning: other users of this machine can see the API key")
    assert "1-secret" not in warning


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PIXELS_TRUENAS_API_KEY", "secret\udcff"),
        ("PIXELS_TRUENAS_API_KEY_FILE", "secret\udcff"),
        ("PIXELS_TRUENAS_HOST", "secret\udcff"),
    ],
)
def test_a_variable_that_is_not_utf_8_text_ends_a_verb_with_one_line(pixels, variable, value):
    ended = pixels("list", **{variable: value})

    assert ended.returncode == 1
    assert ended.stderr == f"Error: invalid variable {variable}: it is not UTF-8 text\n"


def test_a_profile_leads_to_its_nas(pixels, truenas):
    truenas.world.add_container("px-web")
    pixels.configure(
        f'[nas.lab]\nhost = "{truenas.host}"\nport = {truenas.port}\nusername = "{truenas.username}"\n'
        f'api_key = "{truenas.api_key}"\nca_path = "{truenas.ca_file}"\n[nas.other]\nhost = "other.invalid"\n'
    )
    nothing = {name: None for name in pixels.environment if name.startswith("PIXELS_TRUENAS")}

    assert pixels("--nas", "lab", "list", "-q", **nothing).stdout == "web\n"
    assert pixels("list", "-q", PIXELS_NAS="lab", **nothing).stdout == "web\n"
    assert "unknown profile [nas.nope]" in pixels("--nas", "nope", "list", **nothing).stderr
