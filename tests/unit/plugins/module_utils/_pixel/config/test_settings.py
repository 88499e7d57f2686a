# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test what is built from resolved settings."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.defaults import EgressDefaults
from tests.unit.plugins.module_utils._pixel.config.conftest import MINIMAL, settings_of


def test_variables_alone_are_sufficient():
    settings = settings_of(**MINIMAL)

    assert settings.endpoint.nas == "nas"
    assert settings.endpoint.validate_certs
    assert settings.credential.username == "root"
    assert settings.credential.api_key == "1-secret"
    assert settings.ssh.user == "root"


def test_no_secret_is_in_a_representation():
    assert "secret" not in repr(settings_of(**MINIMAL))


def test_settings_can_be_the_key_of_a_cache():
    first, second = (
        settings_of(**MINIMAL, PIXELS_NETWORK_DENY=denied).defaults for denied in ("a.example", "b.example")
    )

    assert {first: 1, second: 2}[second] == 2


def test_a_missing_host_names_its_sources():
    with pytest.raises(
        Invalid,
        match="Set host, or set the variable PIXELS_TRUENAS_HOST or truenas.host in /nonexistent/pixels/config.toml",
    ):
        settings_of({"api_key": "1-secret"})


@pytest.mark.parametrize("address", ["::1", "[::1]"])
def test_an_ipv6_address_may_have_the_brackets_of_a_url(address):
    for settings in (
        settings_of({"host": address}, **MINIMAL),
        settings_of(**{**MINIMAL, "PIXELS_TRUENAS_HOST": address}),
    ):
        assert (settings.endpoint.host, settings.endpoint.nas) == ("::1", "[::1]")
        assert settings.endpoint.url == "wss://[::1]:443/api/current"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('nic_type = "macvlan"', "line 2: defaults.nic_type requires defaults.parent"),
        ('network = "lan"', "line 2: invalid defaults.network: it can only be incusbr0"),
        ('network = "incusbr0"\nparent = "eno1"', "without defaults.parent"),
    ],
)
def test_an_invalid_default_network_is_an_error(configure, text, problem):
    with pytest.raises(Invalid, match=problem):
        settings_of(**configure(f"[defaults]\n{text}\n"), **MINIMAL)


NETWORK = """
[network]
egress = "allowlist"
allow = ["a.example", "b.example"]
ports = [443, 8443]
"""


def test_egress_is_not_mentioned_by_default():
    assert settings_of(**MINIMAL).defaults.egress == EgressDefaults()


def test_each_part_of_an_egress_policy_has_its_own_source(configure):
    variables = {**configure(NETWORK), "PIXELS_NETWORK_ALLOW": "c.example,d.example", "PIXELS_NETWORK_PORTS": "22"}
    options = {"network_egress": "agent", "network_deny": ["e.example"]}

    found = settings_of(options, **variables, **MINIMAL).defaults.egress

    lists = {"allow": ("c.example", "d.example"), "deny": ("e.example",), "ports": ("22",)}
    assert found == EgressDefaults("agent", lists, None, frozenset({"mode", "deny"}))
    assert settings_of(**configure(NETWORK), **MINIMAL).defaults.egress.lists["ports"] == ("443", "8443")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('egress = "agents"', "network.egress is not one of unrestricted, internet, agent, allowlist, none"),
        ('sudo = "apt"', "network.sudo is not one of packages, none, all"),
        ("ports = 443", "network.ports is not a list of port numbers"),
        ("ports = [true]", "network.ports is not a whole number"),
        ("ports = [70000]", "network.ports is not a port number"),
        ('allow = "a.example b.example"\nmode = "none"', "unknown key network.mode"),
    ],
)
def test_an_invalid_key_of_network_is_an_error(configure, text, problem):
    with pytest.raises(Invalid, match=f"config.toml line [23]: {problem}"):
        settings_of(**configure(f"[network]\n{text}\n"), **MINIMAL)
