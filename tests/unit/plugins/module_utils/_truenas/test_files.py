# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of files on the NAS."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotPermitted, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Endpoint, Session
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import files


@pytest.fixture
def folder(truenas):
    return f"/mnt/{truenas.world.default_pool}"


def test_what_is_written_is_read(session, folder):
    files.write(session, f"{folder}/new/note", b"first\xff\n", mode=0o640)

    assert files.read(session, f"{folder}/new/note") == b"first\xff\n"
    assert files.stat(session, f"{folder}/new/note").mode == 0o640
    assert files.stat(session, f"{folder}/new").type == "directory"


def test_writing_again_replaces(session, folder):
    files.write(session, f"{folder}/note", b"a long first text", mode=0o600)
    files.write(session, f"{folder}/note", b"second", mode=0o600)

    assert files.read(session, f"{folder}/note") == b"second"


def test_nothing_is_none(session, folder):
    assert files.stat(session, f"{folder}/nowhere") is None


def test_what_is_in_a_directory_is_listed(session, folder):
    files.write(session, f"{folder}/note", b"text", mode=0o600)

    assert files.is_listed(session, f"{folder}/note")
    assert not files.is_listed(session, f"{folder}/not")


def test_a_directory_cannot_be_read(session, folder):
    with pytest.raises(Refused):
        files.read(session, folder)


def test_only_a_full_administrator_may_write(truenas, nas, folder):
    key = truenas.add_account("reader", roles=["READONLY_ADMIN"])
    endpoint = Endpoint(nas["host"], nas["port"], ca_path=nas["ca_path"])

    with Session(endpoint, Credential("reader", api_key=key)) as session, pytest.raises(NotPermitted):
        files.write(session, f"{folder}/note", b"no", mode=0o600)
