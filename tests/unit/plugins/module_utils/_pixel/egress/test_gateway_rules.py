# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a segment in its gateway; test_gateway_program.py tries them with packets."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import (
    gateway_rules,
    policy,
    ruleset,
    segment,
)

MODES = [mode for mode in policy.MODES if mode != "unrestricted"]


def rendered(egress):
    return gateway_rules.render(segment.parse_all([{"name": "br77", "egress": egress}])[0])


def chain(text, name):
    """The rules of a chain, as they are loaded last."""
    lines = text.rpartition(f"chain {name} {{\n")[2].partition("    }\n")[0]
    return [line.strip() for line in lines.splitlines()]


@pytest.mark.parametrize("mode", MODES)
def test_a_policy_is_the_same_in_a_gateway_as_in_a_pixel(mode):
    in_pixel = ruleset.render(policy.parse(mode))

    assert chain(rendered(mode), "filter_new") == chain(in_pixel, "filter_new")
    for line in in_pixel.splitlines():
        if "elements = " in line:
            assert line in rendered(mode)


@pytest.mark.parametrize("mode", MODES)
def test_packets_leave_by_the_uplink_with_an_address_of_the_segment_or_not_at_all(mode):
    rules = chain(rendered(mode), "leaving")

    assert rules == [
        'iifname != "@SEGMENT@" accept',
        'oifname != "@UPLINK@" goto refuse',
        "meta nfproto ipv4 ip saddr != 10.77.0.0/24 drop",
        "meta nfproto ipv6 ip6 saddr != fd63:2191:d9be::/64 drop",
        "goto filter_new",
    ]


def test_nothing_but_answers_enters_a_segment():
    rules = chain(rendered("internet"), "entering")

    assert rules == ['oifname != "@SEGMENT@" accept', "ct direction reply ct state established,related accept"]
    assert "chain entering { type filter hook forward priority filter; policy drop; }" in rendered("internet")


def test_every_chain_and_set_that_a_rule_names_is_declared_and_no_other_table_is_touched():
    text = rendered("agent")
    outside = [line for line in text.splitlines() if not line.startswith(" ")]

    assert {line.split()[2] for line in outside if line.startswith("table")} == {"pixels_br77"}
    assert all(line.split()[3] == "pixels_br77" for line in outside if line.startswith("flush"))
    declared = text.partition("}\nflush")[0]
    for name in gateway_rules.CHAINS:
        assert f"    chain {name} {{" in declared
        assert f"flush chain inet pixels_br77 {name}\n" in text
