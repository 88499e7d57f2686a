# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test where the credential is read from."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from tests.unit.plugins.module_utils._pixel.config.conftest import MINIMAL, settings_of


def test_a_missing_credential_names_its_sources():
    with pytest.raises(Invalid, match="Set api_key, or set the variable PIXELS_TRUENAS_API_KEY or truenas.api_key in "):
        settings_of({"host": "nas"})


def test_a_key_file_is_read_without_its_newline(tmp_path):
    path = tmp_path / "key"
    path.write_text("7-from-file\n")

    assert settings_of({"api_key_file": str(path)}, **MINIMAL).credential.api_key == "7-from-file"


def test_a_missing_key_file_is_named(tmp_path):
    with pytest.raises(Invalid, match=r"cannot read the API key in .*no-such-file: No such file"):
        settings_of({"host": "nas", "api_key_file": str(tmp_path / "no-such-file")})


def test_an_empty_key_file_is_named(tmp_path):
    path = tmp_path / "key"
    path.write_text("\n")

    with pytest.raises(Invalid, match="the file is empty"):
        settings_of({"host": "nas", "api_key_file": str(path)})


@pytest.mark.parametrize("content", [b"secret\xff\n", "secret\n".encode("utf-16"), "secret\n".encode("utf-16-be")])
def test_a_key_file_must_be_utf_8_text(tmp_path, content):
    path = tmp_path / "key"
    path.write_bytes(content)

    with pytest.raises(Invalid) as raised:
        settings_of({"host": "nas", "api_key_file": str(path)})
    assert str(raised.value) == (
        f"cannot read the API key in {path}: it is not UTF-8 text. Save the key alone in a UTF-8 file"
    )


def test_a_byte_order_mark_is_not_part_of_a_key(tmp_path):
    path = tmp_path / "key"
    path.write_text("7-from-file\n", encoding="utf-8-sig")

    assert settings_of({"host": "nas", "api_key_file": str(path)}).credential.api_key == "7-from-file"


def test_a_key_can_come_from_a_command(configure):
    file = configure('[truenas]\nhost = "nas"\napi_key_command = "printf \'%s\\\\n\' 5-asked"\n')

    assert settings_of(**file).credential.api_key == "5-asked"


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("false", "exited with 1"),
        ("true", "printed nothing"),
        ("/no/such", "No such file"),
        ("a 'b", "No closing"),
        (r"printf 'a\377b'", "output of the command is not UTF-8 text"),
        (" ", "no API key or password is configured. Set api_key"),
        ("\t\n", "no API key or password is configured. Set api_key"),
    ],
)
def test_a_command_that_prints_no_key_is_an_error(command, problem):
    with pytest.raises(Invalid, match=problem):
        settings_of({"host": "nas"}, PIXELS_TRUENAS_API_KEY_COMMAND=command)


def test_a_blank_command_is_ignored_or_refused(configure):
    with pytest.raises(Invalid, match="no API key or password is configured. Set api_key"):
        settings_of(**configure('[truenas]\nhost = "nas"\napi_key_command = "  "\n'))
    with pytest.raises(Invalid, match="cannot read the API key from '  ': the command is empty"):
        settings_of({"host": "nas", "api_key_command": "  "})


@pytest.mark.parametrize("command", ["false hunter2", "/nonexistent hunter2", "true hunter2", "sh 'hunter2"])
def test_an_error_does_not_show_the_arguments_of_a_command(configure, command):
    file = configure(f'[truenas]\nhost = "nas"\napi_key_command = "{command}"\n')

    with pytest.raises(Invalid, match="cannot read the API key") as raised:
        settings_of(**file)

    assert "hunter2" not in str(raised.value)
