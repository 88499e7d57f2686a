# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test endpoints: the address of a NAS and the user."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import LoginRefused


@pytest.mark.parametrize(
    ("endpoint", "nas", "url"),
    [
        (Endpoint("nas.lan"), "nas.lan", "wss://nas.lan:443/api/current"),
        (Endpoint("nas.lan", 8443), "nas.lan:8443", "wss://nas.lan:8443/api/current"),
        (Endpoint("fd00::1", 8443), "[fd00::1]:8443", "wss://[fd00::1]:8443/api/current"),
        (Endpoint("127.0.0.1", 80, plain=True), "127.0.0.1:80", "ws://127.0.0.1:80/api/current"),
    ],
)
def test_a_nas_has_a_name_for_messages_and_a_url(endpoint, nas, url):
    assert endpoint.nas == nas
    assert endpoint.url == url


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LocalHost"])
def test_this_machine_is_loopback(host):
    assert Endpoint(host).is_loopback


@pytest.mark.parametrize("host", ["nas.lan", "10.0.0.1", "fd00::1", "localhost.example.com", "128.0.0.1"])
def test_other_machines_are_not_loopback(host):
    assert not Endpoint(host).is_loopback


def test_a_credential_shows_no_secret():
    assert "1-tops3cret" not in repr(Credential("root", api_key="1-tops3cret"))
    assert "hunter2" not in repr(Credential("root", password="hunter2"))


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"username": "", "api_key": "1-a"}, "username is missing"),
        ({"username": "root"}, "either an API key or a password"),
        ({"username": "root", "api_key": "1-a", "password": "b"}, "not both"),
        ({"username": "root", "api_key": "1-a", "mechanism": "kerberos"}, "'kerberos': use one of auto, scram, plain"),
        ({"username": "root", "password": "b", "mechanism": "scram"}, "require an API key"),
    ],
)
def test_a_credential_that_cannot_work_is_refused(given, complaint):
    with pytest.raises(LoginRefused, match=complaint):
        Credential(**given)
