# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of where options come from."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.settings import resolve

MINIMAL = {"PIXELS_TRUENAS_HOST": "nas", "PIXELS_TRUENAS_API_KEY": "1-secret"}


def settle(given=None, **environ):
    return resolve((given or {}).get, environ=environ)


def test_variables_alone_are_enough():
    settled = settle(**MINIMAL)

    assert settled.endpoint.nas == "nas"
    assert settled.endpoint.validate_certs
    assert settled.credential.username == "root"
    assert settled.credential.api_key == "1-secret"
    assert settled.ssh.user == "root"


def test_options_come_before_variables():
    settled = settle({"host": "other", "port": 8443, "username": "admin"}, **MINIMAL, PIXELS_TRUENAS_PORT="9443")

    assert settled.endpoint.nas == "other:8443"
    assert settled.credential.username == "admin"


def test_an_empty_variable_is_no_variable():
    assert settle(**MINIMAL, PIXELS_TRUENAS_USERNAME="").credential.username == "root"


def test_a_password_that_is_named_wins_over_a_key_in_the_environment():
    settled = settle({"password": "hunter2"}, **MINIMAL)

    assert settled.credential.api_key is None
    assert settled.credential.password == "hunter2"


def test_a_key_file_is_read_without_its_newline(tmp_path):
    path = tmp_path / "key"
    path.write_text("7-from-file\n")

    assert settle({"api_key_file": str(path)}, **MINIMAL).credential.api_key == "7-from-file"


def test_a_key_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Invalid, match=r"no-such-file cannot be read: No such file"):
        settle({"host": "nas", "api_key_file": str(tmp_path / "no-such-file")})


def test_an_empty_key_file_is_named(tmp_path):
    path = tmp_path / "key"
    path.write_text("\n")

    with pytest.raises(Invalid, match="is empty"):
        settle({"host": "nas", "api_key_file": str(path)})


def test_a_missing_host_says_what_to_give():
    with pytest.raises(Invalid, match="option host or the variable PIXELS_TRUENAS_HOST"):
        settle({"api_key": "1-secret"})


def test_a_missing_credential_says_what_to_give():
    with pytest.raises(Invalid, match="option api_key or the variable PIXELS_TRUENAS_API_KEY"):
        settle({"host": "nas"})


@pytest.mark.parametrize(("text", "checked"), [("true", False), ("1", False), ("no", True)])
def test_upstreams_variable_for_unchecked_certificates_is_understood(text, checked):
    assert settle(**MINIMAL, PIXELS_TRUENAS_INSECURE=text).endpoint.validate_certs is checked


@pytest.mark.parametrize(
    ("variable", "text", "problem"),
    [
        ("PIXELS_TRUENAS_PORT", "https", "not a whole number"),
        ("PIXELS_CALL_TIMEOUT", "long", "not a number of seconds"),
        ("PIXELS_TRUENAS_VALIDATE_CERTS", "maybe", "neither yes nor no"),
    ],
)
def test_a_variable_that_cannot_be_read_is_named(variable, text, problem):
    with pytest.raises(Invalid, match=f"{variable} cannot be read: '{text}' is {problem}"):
        settle(**MINIMAL, **{variable: text})


def test_a_secret_is_in_no_representation():
    assert "secret" not in repr(settle(**MINIMAL))
