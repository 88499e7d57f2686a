# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the policy that new pixels get from the configuration and from options."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.defaults import EgressDefaults
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import policy
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress.configured_policy import build


def configured(mode=None, options=(), sudo=None, **lists):
    return EgressDefaults(mode, {name: tuple(entries) for name, entries in lists.items()}, sudo, frozenset(options))


@pytest.mark.parametrize("nothing", [configured(), configured(allow=["a.example"], ports=["443"])])
def test_lists_of_the_file_alone_are_no_policy(nothing):
    assert build(nothing) is None


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (configured("agent"), "agent"),
        (
            configured("agent", allow=["a.example"], ports=["443"]),
            {"mode": "agent", "allow": "a.example", "ports": 443},
        ),
        (configured(options=["allow"], allow=["a.example"]), {"mode": "allowlist", "allow": "a.example"}),
        (configured(options=["presets"], presets=["npm"]), {"mode": "allowlist", "presets": "npm"}),
        (configured("unrestricted", ["mode"]), "unrestricted"),
        (configured("unrestricted", ["mode"], sudo="none"), "unrestricted"),
        (configured("none", sudo="none"), {"mode": "none", "sudo": "none"}),
    ],
)
def test_mode_and_lists_are_one_policy(given, wanted):
    assert build(given) == policy.parse(wanted)


@pytest.mark.parametrize("mode", policy.MODES)
def test_every_mode_can_be_chosen_with_any_configured_lists(mode):
    lists = {
        "allow": ["a.example"],
        "deny": ["b.example", "203.0.113.0/24"],
        "presets": ["npm"],
        "lan": ["10.0.0.0/8"],
        "ports": ["443"],
        "dns": ["192.168.1.1"],
    }

    found = build(configured(mode, ["mode"], **lists))

    policy.check_combination(found, "")
    assert found.mode == mode
    assert found.lan == (() if mode == "unrestricted" else ("10.0.0.0/8",))


def test_an_entry_to_deny_stays_where_it_changes_something():
    found = build(configured("allowlist", allow=["*.a.example"], deny=["b.a.example", "c.example"]))

    assert found.deny == ("b.a.example",)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (configured(options=["deny"], deny=["a.example"]), "invalid egress: deny is set without a mode. Use one of"),
        (configured("none", ["allow"], allow=["a.example"]), "invalid network.allow: mode 'none' takes no allow"),
        (configured("unrestricted", ["allow"], allow=["a.example"]), "mode 'unrestricted' takes no allow"),
        (configured("unrestricted", ["sudo"], sudo="none"), "invalid network.sudo: mode 'unrestricted' takes no sudo"),
        (configured("internet", ["presets"], presets=["npm"]), "invalid network.presets"),
        (configured("allowlist", ["deny"], deny=["a.example"]), "'a.example' is not allowed by anything"),
        (configured("allowlist", allow=["http://a.example/x"]), "invalid network.allow: .*Give the name alone"),
        (configured("agent", presets=["nosuch"]), "invalid network.presets: there is no preset 'nosuch'"),
    ],
)
def test_what_contradicts_itself_is_refused(given, problem):
    with pytest.raises(Invalid, match=problem):
        build(given)
