# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the resolver in a pixel answers; test_guest_program.py asks it."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import policy, resolver


def names(value):
    parsed = policy.parse(value)
    return resolver.render_names(parsed, policy.effective_names(parsed, {})).splitlines()


def test_an_exact_name_closes_the_names_below_it():
    assert names({"mode": "allowlist", "allow": ["a.example"]}) == ["allow a.example", "close *.a.example"]


def test_a_name_with_its_wildcard_closes_nothing():
    assert names({"mode": "allowlist", "allow": ["a.example", "*.a.example"]}) == [
        "allow *.a.example",
        "allow a.example",
    ]


def test_a_denied_name_below_a_wildcard_is_closed():
    assert names({"mode": "allowlist", "allow": ["*.a.example"], "deny": ["b.a.example"]}) == [
        "allow *.a.example",
        "close b.a.example",
    ]


def test_mode_internet_answers_every_name_but_the_denied_ones():
    assert names({"mode": "internet", "deny": ["b.example"]}) == ["any", "close b.example"]
    assert "address=/#/" not in resolver.render_configuration(policy.parse("internet"))


def test_names_do_not_lead_to_private_addresses_unless_the_policy_opens_some():
    closed = policy.parse({"mode": "allowlist", "allow": ["a.example"]})
    opened = policy.parse({"mode": "allowlist", "allow": ["a.example"], "lan": ["192.168.1.0/24"]})

    assert "stop-dns-rebind\n" in resolver.render_configuration(closed)
    assert "stop-dns-rebind\n" not in resolver.render_configuration(opened)
