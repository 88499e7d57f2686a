# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of which values of a NAS are accepted, and which are skipped."""

from __future__ import annotations

import ipaddress

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Address

HOSTILE = [
    "-oProxyCommand=touch /tmp/owned",
    "10.0.0.5\n    ProxyCommand touch /tmp/owned",
    "10.0.0.5 -oProxyCommand=x",
    "10.0.0.5\x00",
    "10.0.0.5%eth0",
    "$(touch /tmp/owned)",
    "fe80::1%$(touch /tmp/owned)",
    "fd00::1%-oProxyCommand=x",
    "[fd00::2]",
    "010.0.0.5",
    "10.5",
    "0x0a000005",
    "\u0661\u0660.0.0.5",
    "nas.example.org",
    "",
    None,
    167772165,
    b"\n\x00\x00\x05",
    ["10.0.0.5"],
    {"address": "10.0.0.5"},
    True,
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_what_is_no_address_is_none(family, text):
    assert values.packed_address(family, text) is None


@pytest.mark.parametrize(
    ("family", "text", "written"),
    [
        ("ipv4", "10.154.81.34", "10.154.81.34"),
        ("ipv6", "FD42:0:0::2233", "fd42::2233"),
        ("ipv6", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_an_address_has_one_form(family, text, written):
    packed = values.packed_address(family, text)

    assert values.format_address(packed) == written == str(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    ("family", "text"),
    [
        ("ipv4", "0.0.0.0"),
        ("ipv4", "224.0.0.1"),
        ("ipv4", "255.255.255.255"),
        ("ipv4", "169.254.3.4"),
        ("ipv6", "::"),
        ("ipv6", "fe80::1"),
        ("ipv6", "febf::1"),
        ("ipv6", "ff02::1"),
        ("ipv6", "::ffff:10.0.0.5"),
        ("ipv4", "fd00::2"),
        ("ipv6", "10.0.0.5"),
        ("LINK", "10.0.0.5"),
    ],
)
def test_an_address_that_no_other_machine_reaches_is_none(family, text):
    assert values.packed_address(family, text) is None


@pytest.mark.parametrize(
    ("value", "length"),
    [(24, 24), ("24", 24), (0, 0), (33, None), (-1, None), (True, None), ("x", None), (None, None), ("9" * 5000, None)],
)
def test_a_prefix_is_a_number_of_bits(value, length):
    assert values.prefix_length(value, "ipv4") == length


@pytest.mark.parametrize("name", ["px-web", "px-1", "px-A-b", "px-" + "x" * 60])
def test_a_name_is_one_that_a_pixel_can_have(name):
    assert values.is_prefixed_name(name, "px-")


@pytest.mark.parametrize(
    "name",
    [
        *("px-", "px--web", "px-web-", "px-a_b", "px-a.b", "px-a b", "px-web\n", "px-a\nHost *\n ProxyCommand x"),
        *(
            "px-$(id)",
            "px-é",
            "px-" + "x" * 61,
            "web",
            "px-px-web",
            "../px-web",
            "px-a/b",
            "-px-a",
            None,
            5,
            ["px-web"],
        ),
    ],
)
def test_a_name_that_no_pixel_can_have_is_none(name):
    assert not values.is_prefixed_name(name, "px-")


def test_a_bridge_has_the_first_address_of_its_network():
    found = [Address("ipv4", "172.17.0.1", 16), Address("ipv4", "172.17.1.1", 16), Address("ipv6", "fd00::1", 64)]

    assert [values.is_bridge(each) for each in found] == [True, False, True]
    assert not values.is_bridge(Address("ipv4", "10.0.0.1"))
    assert not values.is_bridge(Address("ipv4", "10.0.0.1", 32))


@pytest.mark.parametrize("value", ["RUNNING\n", "{{ 1 }}", "", None, 5, "x" * 100, "\x1b[31m"])
def test_a_status_that_is_none_is_unknown_and_a_warning_shows_it_safely(value):
    warnings = []

    assert values.status(value, warnings.append) == "unknown"
    assert len(warnings) == 1
    assert warnings[0].isprintable()
    assert values.status("FROZEN", warnings.append) == "frozen"
    assert len(warnings) == 1


@pytest.mark.parametrize("name", ["tank", "tank/a-b/.ix-virt/containers/px-web", "my pool/x", "t.1/a:b"])
def test_a_dataset_is_as_zfs_has_it(name):
    warnings = []

    assert values.dataset(name, warnings.append) == name
    assert warnings == []


@pytest.mark.parametrize("name", ["/tank", "tank/", "a//b", "tank\n", "$(id)", "-r", "tank@x", "x" * 300, 5])
def test_what_is_no_dataset_is_omitted(name):
    warnings = []

    assert values.dataset(name, warnings.append) is None
    assert len(warnings) == 1


def test_what_is_no_text_is_omitted_of_variables_and_labels():
    warnings = []

    assert values.texts({"A": "b", "C": 5, 7: "d"}, warnings.append) == {"A": "b"}
    assert values.texts("nonsense", warnings.append) == {}
    assert values.labels({"role": "front", "a b": "x", "é": "x"}, warnings.append) == {"role": "front"}
    assert len(warnings) == 4


@pytest.mark.parametrize(("value", "taken"), [("2", "2"), ("0-3,5", "0-3,5"), ("x", None), (5, None), (None, None)])
def test_a_limit_of_cpus_is_a_number_or_a_set(value, taken):
    assert values.cpu(value, values.ignore) == taken


@pytest.mark.parametrize("name", ["$(id)", "a/b", "a\nb", "a@b", "", "x" * 300, None])
def test_what_is_no_label_of_a_snapshot(name):
    assert not values.is_snapshot_label(name)
    assert values.is_snapshot_label("auto-2026-11-28_00:00 x.y")


@pytest.mark.parametrize(("name", "valid"), [("br0", True), ("eno1.5", True), ("a b", False), ("x" * 16, False)])
def test_what_is_the_name_of_an_interface(name, valid):
    assert values.is_interface(name) == valid


def test_each_warning_is_given_once():
    warnings = []
    warn = values.Warnings(warnings.append)

    for text in ("a", "b", "a"):
        warn(text)

    assert warnings == ["a", "b"]


@pytest.mark.parametrize(
    ("family", "text", "is_one"),
    [
        ("ipv4", "10.0.0.5", True),
        ("ipv6", "fe80::1", True),
        ("ipv6", "fe80::1%eth0", False),
        ("ipv4", "fe80::1", False),
        ("ipv4", 5, False),
        ("ipv4", None, False),
        ("other", "10.0.0.5", False),
    ],
)
def test_an_address_is_valid_in_its_family_and_without_a_scope(family, text, is_one):
    assert values.is_address(family, text) is is_one


def test_a_value_is_quoted_safely_and_with_an_end():
    assert values.quoted("a\nb") == "'a\\nb'"
    assert len(values.quoted("x" * 100_000)) < 1000
