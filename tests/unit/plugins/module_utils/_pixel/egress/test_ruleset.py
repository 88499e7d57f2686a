# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a policy; test_guest_program.py tries them with packets."""

from __future__ import annotations

import re

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import policy, ruleset


def rendered(value):
    return ruleset.render(policy.parse(value))


def chain(text, name):
    """The rules of a chain, as they are loaded last."""
    lines = text.rpartition(f"chain {name} {{\n")[2].partition("    }\n")[0]
    return [line.strip() for line in lines.splitlines()]


@pytest.mark.parametrize("mode", [mode for mode in policy.MODES if mode != "unrestricted"])
def test_every_mode_refuses_other_resolvers_and_private_networks_before_it_allows_anything(mode):
    rules = chain(rendered(mode), "filter_new")

    refused = [
        "meta l4proto { tcp, udp } th dport { 53, 853 } goto refuse",
        "ip daddr @private4 goto refuse",
        "ip6 daddr @private6 goto refuse",
    ]
    assert [rule for rule in rules if rule in refused] == refused
    allowing = [rules.index(rule) for rule in rules if "accept" in rule and "@lan" not in rule]
    assert all(rules.index(rule) < place for rule in refused for place in allowing)
    assert rules[-1] == "goto refuse"


def test_denied_networks_come_before_those_of_the_lan():
    rules = chain(rendered({"mode": "internet", "deny": ["203.0.114.0/24"]}), "filter_new")

    assert rules.index("ip daddr @denied_net4 goto refuse") < rules.index("ip daddr @lan4 ct mark set @MARK@ accept")


def test_networks_are_in_the_set_of_their_version():
    text = rendered(
        {
            "mode": "allowlist",
            "allow": ["203.0.114.0/24", "2606:4700::/32", "a.example"],
            "deny": ["203.0.114.9"],
            "lan": ["192.168.1.0/24", "fd00::/64"],
        }
    )

    for expected in (
        "set allowed_net4 { type ipv4_addr; flags interval; auto-merge; elements = { 203.0.114.0/24 } }",
        "set allowed_net6 { type ipv6_addr; flags interval; auto-merge; elements = { 2606:4700::/32 } }",
        "set denied_net4 { type ipv4_addr; flags interval; auto-merge; elements = { 203.0.114.9/32 } }",
        "set lan4 { type ipv4_addr; flags interval; auto-merge; elements = { 192.168.1.0/24 } }",
        "set lan6 { type ipv6_addr; flags interval; auto-merge; elements = { fd00::/64 } }",
    ):
        assert expected in text


def test_ports_are_those_of_the_policy():
    rules = chain(rendered({"mode": "allowlist", "allow": ["a.example"], "ports": [8443, 443]}), "filter_new")

    assert "tcp dport { 443, 8443 } ip daddr @allow4 update @allow4 { ip daddr } ct mark set @MARK@ accept" in rules


def test_the_rules_are_the_same_in_each_order_of_the_policy():
    first = {"mode": "allowlist", "allow": ["203.0.114.0/24", "203.0.115.0/24"]}
    second = {"mode": "allowlist", "allow": ["203.0.115.0/24", "203.0.114.0/24"]}

    assert rendered(first) == rendered(second)


def test_no_other_table_is_touched():
    text = rendered("agent")

    assert "flush ruleset" not in text
    assert {line.split()[2] for line in text.splitlines() if line.startswith(("table", "delete"))} == {"pixels_egress"}


def test_names_do_not_open_the_networks_around_which_may_have_public_addresses():
    rules = chain(rendered({"mode": "allowlist", "allow": ["a.example", "203.0.114.0/24"]}), "filter_new")

    nearby = rules.index("ip daddr @nearby4 goto refuse")
    assert rules.index("ip daddr @allowed_net4 ct mark set @MARK@ accept") < nearby
    assert all(nearby < rules.index(rule) for rule in rules if "@allow4" in rule or "established" in rule)


@pytest.mark.parametrize("mode", [mode for mode in policy.MODES if mode != "unrestricted"])
def test_every_rule_about_addresses_is_there_for_both_versions_of_ip(mode):
    rules = chain(rendered(mode), "filter_new")

    version_6 = [rule.replace("ip6 ", "ip ").replace("6 ", "4 ") for rule in rules if "ip6 daddr" in rule]
    assert version_6 == [rule for rule in rules if "ip daddr" in rule]


def test_every_set_that_a_rule_names_is_declared_with_its_type():
    text = rendered("agent")

    for name in set(re.findall(r"@([a-z_]+[46])", text)):
        assert f"    set {name} {{ type ipv{name[-1]}_addr" in text


def test_a_transaction_empties_each_chain_and_each_set_of_the_policy_before_it_fills_them():
    text = rendered("none")

    outside = [line for line in text.splitlines() if not line.startswith(" ")]
    opened = "table inet pixels_egress {"
    chains = ("output", "forwarded", "dns_output", "dns_nested", "filter_new", "refuse")
    sets = [f"{name}{version}" for name in ("private", "allowed_net", "denied_net", "lan") for version in (4, 6)]
    assert outside == [
        *(opened, "}"),
        *(f"flush chain inet pixels_egress {name}" for name in chains),
        *(f"flush set inet pixels_egress {name}" for name in sets),
        *(opened, "}"),
    ]
    declared, _flushed, _filled = text.partition("}\nflush")
    assert all(f"    chain {name} {{" in declared for name in chains)
    assert all(
        f"    set {name} {{ type ipv{name[-1]}_addr; flags interval; auto-merge; }}" in declared for name in sets
    )


def test_mode_internet_allows_what_is_neither_private_nor_nearby():
    rules = chain(rendered("internet"), "filter_new")

    assert rules[-4:] == [
        "ip daddr @nearby4 goto refuse",
        "ip6 daddr @nearby6 goto refuse",
        "ct mark set @MARK@ accept",
        "goto refuse",
    ]


def test_mode_none_allows_the_lan_alone():
    rules = chain(rendered({"mode": "none", "lan": ["192.168.1.0/24"]}), "filter_new")

    assert [rule for rule in rules if "accept" in rule] == [
        "ip daddr @lan4 ct mark set @MARK@ accept",
        "ip6 daddr @lan6 ct mark set @MARK@ accept",
    ]


def test_a_policy_without_ports_opens_none_at_its_names():
    rules = chain(rendered({"mode": "allowlist", "allow": ["a.example"], "ports": []}), "filter_new")

    assert [rule.partition(" }")[0] for rule in rules if "dport" in rule and "@allow" in rule] == ["tcp dport { 0"] * 2
