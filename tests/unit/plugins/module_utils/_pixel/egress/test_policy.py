# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an egress policy may say, and its normal form."""

from __future__ import annotations

import json

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import policy, presets


@pytest.mark.parametrize("mode", policy.MODES)
def test_a_string_is_the_mode(mode):
    assert policy.parse(mode) == policy.parse({"mode": mode})


def test_names_are_in_one_form_sorted_and_without_duplicates():
    parsed = policy.parse(
        {"mode": "allowlist", "allow": ["Docs.Example.COM.", "docs.example.com", "*.BÜCHER.example", "203.0.114.7"]}
    )

    assert parsed.allow == ("*.xn--bcher-kva.example", "203.0.114.7/32", "docs.example.com")


def test_the_digest_is_that_of_the_policy_not_of_the_order_it_is_written_in():
    first = policy.parse({"mode": "allowlist", "allow": ["a.example", "b.example"], "ports": [443, 80]})
    second = policy.parse({"mode": "allowlist", "allow": ["B.example", "a.example"], "ports": ["80", 443]})

    assert first.digest == second.digest
    assert first.digest != policy.parse({"mode": "allowlist", "allow": ["a.example"]}).digest


def test_mode_agent_has_the_presets_of_agents_unless_they_are_listed():
    assert policy.parse("agent").presets == presets.AGENT
    assert policy.parse({"mode": "agent", "presets": ["npm"]}).presets == ("npm",)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("agents", "invalid egress.mode: 'agents' is no mode. Use one of unrestricted, internet"),
        (5, "invalid egress: 5 is neither a mode nor a mapping"),
        ({"mode": "agent", "alow": []}, "invalid egress: unknown key 'alow'"),
        ({"mode": "allowlist", "allow": "*.com"}, "invalid egress.allow: '*.com' is too wide"),
        ({"mode": "allowlist", "allow": "http://x.example/y"}, "Give the name alone: x.example"),
        ({"mode": "allowlist", "allow": "x.example:443"}, "List ports in ports"),
        ({"mode": "allowlist", "allow": "x y.example"}, "is not a domain name, an address or a network"),
        ({"mode": "allowlist", "allow": "1.2.3"}, "is not a domain name, an address or a network"),
        ({"mode": "allowlist", "allow": "x.example\nserver=/#/8.8.8.8"}, "is not a domain name"),
        ({"mode": "allowlist", "allow": "192.168.1.0/24"}, "has private addresses. Use lan"),
        ({"mode": "allowlist", "allow": "0.0.0.0/0"}, "has private addresses"),
        ({"mode": "allowlist", "allow": {"a": 1}}, "not a list of at most 20,000 entries"),
        ({"mode": "allowlist", "allow": ["a.example"], "deny": "b.example"}, "'b.example' is not allowed by anything"),
        ({"mode": "allowlist", "deny": "10.0.0.1"}, "is private and closed already"),
        ({"mode": "allowlist", "lan": "203.0.114.0/24"}, "is not private. Use allow"),
        ({"mode": "allowlist", "lan": "lan"}, "is not a network"),
        (
            {"mode": "allowlist", "allow": "2001:db9::%x } }\nadd rule inet pixels_egress output accept #/64"},
            "is not a",
        ),
        ({"mode": "allowlist", "lan": "fd00::%x }/64"}, "is not a network"),
        ({"mode": "allowlist", "dns": "2001:db9::1%a;b"}, "is not an address of a name server"),
        ({"mode": "allowlist", "ports": [float("inf")]}, "inf is not a port"),
        ({"mode": "allowlist", "allow": [f"{'x' * 50}{n}.{'y' * 60}.example" for n in range(9000)]}, "it is too long"),
        ({"mode": "allowlist", "ports": [0]}, "0 is not a port"),
        ({"mode": "allowlist", "ports": [True]}, "True is not a port"),
        ({"mode": "allowlist", "presets": ["nmp"]}, "there is no preset 'nmp'. Use alpine"),
        ({"mode": "allowlist", "dns": ["ns.example"]}, "is not an address of a name server"),
        ({"mode": "internet", "allow": ["a.example"]}, "mode 'internet' allows every public address already"),
        ({"mode": "none", "allow": ["a.example"]}, "mode 'none' takes no allow"),
        ({"mode": "unrestricted", "deny": ["a.example"]}, "mode 'unrestricted' takes no deny"),
    ],
)
def test_what_is_invalid_is_refused_with_its_part(value, message):
    with pytest.raises(Invalid) as refused:
        policy.parse(value)

    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("entry", "name", "covered"),
    [
        ("a.example", "a.example", True),
        ("a.example", "b.a.example", False),
        ("*.a.example", "b.a.example", True),
        ("*.a.example", "*.b.a.example", True),
        ("*.a.example", "a.example", False),
        ("*.a.example", "ba.example", False),
    ],
)
def test_a_wildcard_covers_the_names_below_it(entry, name, covered):
    assert policy.is_covered(name, {entry}) == covered


def test_deny_wins_for_a_name_and_all_below_it():
    parsed = policy.parse(
        {
            "mode": "allowlist",
            "allow": ["*.wild.example", "exact.example", "sub.exact.example"],
            "deny": ["gist.wild.example", "exact.example"],
        }
    )

    assert policy.effective_names(parsed, {}) == policy.EffectiveNames(("*.wild.example",), ("gist.wild.example",))


def test_hosts_of_the_pixels_own_package_manager_replace_the_defaults():
    parsed = policy.parse({"mode": "allowlist", "presets": ["npm", "pypi"]})

    assert policy.names_of(parsed, {"npm": ["npm.mirror.example"]}) == (
        "files.pythonhosted.org",
        "npm.mirror.example",
        "pypi.org",
    )


@pytest.mark.parametrize(
    ("denied", "entry", "denies"),
    [
        ("a.example", "a.example", True),
        ("a.example", "*.a.example", True),
        ("a.example", "b.a.example", True),
        ("*.a.example", "a.example", False),
        ("203.0.114.0/24", "203.0.114.7/32", True),
        ("203.0.114.7/32", "203.0.114.0/24", False),
        ("203.0.114.0/24", "2606:4700::/32", False),
        ("a.example", "203.0.114.7/32", False),
    ],
)
def test_a_denied_entry_includes_what_is_below_it(denied, entry, denies):
    assert policy.denies(denied, entry) == denies


@pytest.mark.parametrize(
    "text", ["5", "nonsense", '{"mode": "allowlist", "ports": [Infinity]}', "[" * 9999, " " * 600_000]
)
def test_a_text_that_is_no_policy_is_invalid(text):
    with pytest.raises(Invalid):
        policy.from_text(text)


def test_a_text_with_contradictions_is_read_quickly():
    names = [f"host{number}.example" for number in range(10_000)]
    text = json.dumps({"mode": "allowlist", "allow": names, "deny": [f"x.{name}" for name in names]})

    assert len(policy.from_text(text).deny) == 10_000


ALL_PARTS = {
    "mode": "allowlist",
    "allow": ["b.example", "a.example"],
    "deny": ["b.example"],
    "presets": ["npm"],
    "ports": ["8443", 443],
    "lan": "192.168.1.7/24",
    "dns": ["2001:DB8::1", "192.168.1.1"],
    "sudo": "none",
}


def test_a_policy_is_shown_with_all_its_parts_in_their_normal_form():
    assert policy.parse(ALL_PARTS).as_dict() == {
        "mode": "allowlist",
        "allow": ["a.example", "b.example"],
        "deny": ["b.example"],
        "presets": ["npm"],
        "ports": [443, 8443],
        "lan": ["192.168.1.0/24"],
        "dns": ["192.168.1.1", "2001:db8::1"],
        "sudo": "none",
    }
    assert policy.parse("unrestricted").as_dict() == {"mode": "unrestricted"}


def test_a_policy_is_read_back_from_its_text():
    parsed = policy.parse(ALL_PARTS)

    assert policy.from_text(parsed.text) == parsed
    assert len(parsed.digest) == 16


def test_what_is_omitted_has_its_default():
    parsed = policy.parse({"allow": "a.example"})

    assert (parsed.mode, parsed.ports, parsed.sudo) == ("allowlist", (22, 80, 443), "packages")
    assert (parsed.deny, parsed.presets, parsed.lan, parsed.dns) == ((), (), (), ())


@pytest.mark.parametrize(
    ("value", "option", "message"),
    [
        ({"mode": "agent", "sudo": "some"}, "egress.sudo", "'some' is not a rule for sudo. Use one of packages, "),
        ({"mode": "unrestricted", "sudo": "all"}, "egress.sudo", "mode 'unrestricted' takes no sudo. Remove it"),
        ({"mode": "none", "presets": ["npm"]}, "egress.presets", "mode 'none' takes no presets"),
        ({"mode": "none", "deny": ["a.example"]}, "egress.deny", "mode 'none' takes no deny"),
        ({"mode": "unrestricted", "lan": ["10.0.0.0/8"]}, "egress.lan", "mode 'unrestricted' takes no lan"),
        ({"mode": "internet", "presets": ["npm"]}, "egress.presets", "mode 'internet' allows every public address"),
        ({"mode": "allowlist", "allow": "https://me@x.example/y/z"}, "egress.allow", "Give the name alone: x.example"),
        ({"mode": "allowlist", "allow": "a@b@x.example"}, "egress.allow", "Give the name alone: x.example"),
        ({"mode": "allowlist", "allow": f"{'a' * 63}.{'b' * 64}"}, "egress.allow", "is not a domain name"),
        ({"mode": "allowlist", "allow": ".".join(["a" * 63] * 4)}, "egress.allow", "is not a domain name"),
        ({"mode": "allowlist", "ports": [65536]}, "egress.ports", "65536 is not a port"),
        ({"mode": "allowlist", "ports": [None]}, "egress.ports", "None is not a port"),
        ({"mode": "allowlist", "deny": "fe80::1"}, "egress.deny", "'fe80::1' is private and closed already"),
        ({"mode": "allowlist", "allow": ["x"] * 20_001}, "egress.allow", "not a list of at most 20,000 entries"),
    ],
)
def test_a_part_that_is_refused_is_the_field_of_the_error(value, option, message):
    with pytest.raises(Invalid) as refused:
        policy.parse(value)

    assert message in str(refused.value)
    assert [field for field, _problem in refused.value.fields] == [option]


@pytest.mark.parametrize(
    "value",
    [
        {"mode": "none", "lan": ["10.0.0.0/8"]},
        {"mode": "internet", "deny": ["a.example"]},
        {"mode": "unrestricted", "sudo": "packages"},
        {"mode": "allowlist", "ports": [1, 65535]},
        {"mode": "allowlist", "allow": [f"{'a' * 63}.{'b' * 63}"]},
        {"mode": "allowlist", "allow": ["*.a.example"], "deny": ["b.a.example"]},
        {"mode": "allowlist", "allow": ["b.a.example"], "deny": ["a.example"]},
        {"mode": "allowlist", "allow": ["a.example"], "deny": ["203.0.114.7"]},
        {"mode": "allowlist", "presets": ["distribution"], "deny": ["anything.example"]},
        {"mode": "allowlist", "presets": ["npm"], "deny": ["registry.npmjs.org"]},
        {"mode": "allowlist", "allow": ["_dns.a_b.example"]},
    ],
)
def test_parts_that_do_not_contradict_each_other_are_accepted(value):
    assert policy.parse(value).mode == value["mode"]


def test_an_option_without_a_name_has_its_parts_alone():
    with pytest.raises(Invalid) as refused:
        policy.parse({"mode": "agents"}, "")

    assert str(refused.value).startswith("invalid mode: 'agents' is no mode")


def test_a_text_that_is_too_long_is_not_read():
    with pytest.raises(Invalid, match="the text of the policy is too long"):
        policy.from_text("[" * (512 * 1024 + 1))


@pytest.mark.parametrize(
    ("value", "denied", "affects"),
    [
        ({"mode": "internet"}, "a.example", True),
        ({"mode": "none"}, "a.example", False),
        ({"mode": "none"}, "203.0.114.7", True),
        ({"mode": "allowlist", "allow": ["*.a.example"]}, "b.a.example", True),
        ({"mode": "allowlist", "allow": ["b.a.example"]}, "a.example", True),
        ({"mode": "allowlist", "allow": ["a.example"]}, "b.example", False),
    ],
)
def test_a_denied_entry_affects_what_would_be_allowed_without_it(value, denied, affects):
    assert policy.affects(policy.parse(value), denied) == affects


def test_names_are_denied_below_those_that_are_allowed_or_where_any_is():
    internet = policy.parse({"mode": "internet", "deny": ["a.example", "203.0.114.7"]})
    none = policy.EgressPolicy("allowlist", allow=("b.example",), deny=("a.example",))

    assert policy.effective_names(internet, {}) == policy.EffectiveNames((), ("a.example",))
    assert policy.effective_names(none, {}) == policy.EffectiveNames(("b.example",), ())


@pytest.mark.parametrize("kept", ["text", "digest"])
def test_a_policy_is_noted_by_its_text_or_by_its_digest(kept):
    agent, none = policy.parse("agent"), policy.parse("none")

    assert agent.is_recorded(getattr(agent, kept))
    assert not agent.is_recorded(getattr(none, kept))
    assert not agent.is_recorded(None)
    assert policy.parse("unrestricted").is_recorded(None)
    assert not policy.parse("unrestricted").is_recorded(getattr(agent, kept))
