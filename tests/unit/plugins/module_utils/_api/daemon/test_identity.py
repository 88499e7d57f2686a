# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test which processes can share a login."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.identity import (
    CODE_DIRECTORY,
    VERSION,
    code_reference,
    code_version,
    is_proof,
    parse_code_reference,
    proof,
    socket_name,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint

SALT = b"s" * 32
ENDPOINT = Endpoint("nas.example.org")
CREDENTIAL = Credential("root", api_key="1-secret")
NAME = socket_name(SALT, ENDPOINT, CREDENTIAL, "v1")


def test_the_same_client_means_the_same_daemon():
    assert socket_name(SALT, Endpoint("nas.example.org"), Credential("root", api_key="1-secret"), "v1") == NAME


@pytest.mark.parametrize(
    ("endpoint", "credential"),
    [
        ({"host": "other"}, {}),
        ({"port": 8443}, {}),
        ({"validate_certs": False}, {}),
        ({"ca_path": "/etc/ca.pem"}, {}),
        ({"plain": True}, {}),
        ({}, {"username": "admin"}),
        ({}, {"api_key": "1-secret2"}),
        ({}, {"api_key": None, "password": "1-secret"}),
        ({}, {"mechanism": "scram"}),
    ],
)
def test_another_nas_account_secret_or_tls_setting_is_another_daemon(endpoint, credential):
    assert socket_name(SALT, replace(ENDPOINT, **endpoint), replace(CREDENTIAL, **credential), "v1") != NAME


def test_other_code_is_another_daemon():
    assert socket_name(SALT, ENDPOINT, CREDENTIAL, "v2") != NAME


def test_other_trusted_authorities_are_another_daemon(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/elsewhere.pem")

    assert socket_name(SALT, ENDPOINT, CREDENTIAL, "v1") != NAME


def test_the_name_cannot_be_made_without_the_salt():
    assert socket_name(b"t" * 32, ENDPOINT, CREDENTIAL, "v1") != NAME


def test_a_proof_fits_its_challenge_only():
    given = proof(CREDENTIAL, "challenge")

    assert is_proof(given, CREDENTIAL, "challenge")
    assert not is_proof(given, CREDENTIAL, "another")
    assert "secret" not in given


@pytest.mark.parametrize("given", [None, 1, "", "wrong", "\ud800é"])
def test_what_is_no_proof_is_refused(given):
    assert not is_proof(given, CREDENTIAL, "challenge")


def test_another_users_proof_is_refused():
    assert not is_proof(proof(replace(CREDENTIAL, username="admin"), "c"), CREDENTIAL, "c")


def test_the_version_changes_with_the_code(tmp_path):
    (tmp_path / "a.py").write_text("one")
    before = code_version(str(tmp_path))
    (tmp_path / "a.py").write_text("two")

    assert before
    assert code_version(str(tmp_path)) != before


def test_what_python_leaves_behind_is_no_code(tmp_path):
    (tmp_path / "a.py").write_text("one")
    before = code_version(str(tmp_path))
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.py").write_text("x")
    (tmp_path / "a.pyc").write_text("x")

    assert code_version(str(tmp_path)) == before


def test_code_in_an_archive_has_no_version(tmp_path):
    assert code_version(str(tmp_path / "module.zip" / "ansible_collections")) == ""


def test_the_code_under_test_has_one():
    assert len(VERSION) == 16


def test_code_in_an_archive_is_reported_where_it_came_from(tmp_path):
    folder, version = parse_code_reference(f"0123456789abcdef:{tmp_path}")

    assert (folder, version) == (str(tmp_path), "0123456789abcdef")
    assert parse_code_reference(code_reference()) == (CODE_DIRECTORY, VERSION)


@pytest.mark.parametrize("reference", [None, "", "v1", ":/tmp", "v1:", "v1:relative", "v1:/no/such/folder"])
def test_a_reference_without_a_local_directory_is_no_code(reference):
    assert parse_code_reference(reference) == ("", "")
