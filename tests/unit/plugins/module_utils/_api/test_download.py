# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of fetching files over HTTP."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.download import fetch
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionFailed, NotPermitted, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session
from tests.simulator.running import running_simulator


@pytest.fixture
def simulator():
    with running_simulator(engine="paper") as running:
        yield running


@pytest.fixture
def endpoint(simulator):
    return Endpoint(simulator.host, simulator.port, ca_path=simulator.ca_file)


@pytest.fixture
def session(simulator, endpoint):
    with Session(endpoint, Credential(simulator.username, api_key=simulator.api_key)) as opened:
        yield opened


@pytest.fixture
def note(simulator, session):
    path = f"/mnt/{simulator.world.default_pool}/note"
    session.call("filesystem.file_receive", path, "Zmlyc3T/Cg==", {"mode": 0o600})
    return path


def test_a_file_arrives_byte_by_byte(session, note):
    assert session.download("filesystem.get", note) == b"first\xff\n"


def test_a_path_works_once(session, endpoint, note):
    _job, path = session.call("core.download", "filesystem.get", [note], "note")
    fetch(endpoint, path, timeout=10)

    with pytest.raises(Refused, match="does not hand out the file: HTTP 4"):
        fetch(endpoint, path, timeout=10)


def test_a_refusal_does_not_show_the_token(endpoint):
    with pytest.raises(Refused) as caught:
        fetch(endpoint, "/_download/1?auth_token=sesame", timeout=10)

    assert "sesame" not in str(caught.value)


def test_a_certificate_is_checked_here_too(simulator):
    with pytest.raises(ConnectionFailed, match="is not trusted"):
        fetch(Endpoint(simulator.host, simulator.port), "/_download/1", timeout=10)


def test_an_account_that_may_not_read_files_is_reported(simulator, endpoint, note):
    key = simulator.add_account("reader", roles=["READONLY_ADMIN"])

    with Session(endpoint, Credential("reader", api_key=key)) as session, pytest.raises(NotPermitted):
        session.download("filesystem.get", note)
