# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The segments of a gateway, as options describe them."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import segment


def test_a_segment_has_networks_and_an_interface_by_its_name_and_its_place():
    first, second = segment.parse_all([{"name": "br77"}, {"name": "br8", "egress": "internet"}])

    assert (first.address, first.leases, first.interface) == ("10.77.0.1/24", ("10.77.0.2", "10.77.0.254"), "eth1")
    assert (second.address, second.interface, second.policy.mode) == ("10.8.0.1/24", "eth2", "internet")
    assert first.policy.mode == "none"
    assert first.network6.is_private
    assert first.network6 != second.network6
    assert segment.parse_all([{"name": "br77"}])[0].network6 == first.network6


def test_the_text_of_a_segment_has_what_a_diff_shows():
    wanted = segment.parse_all([{"name": "br77", "network": "192.168.77.0/24", "network6": "fd77:1:2::/64"}])[0]

    assert segment.from_text(wanted.text) == wanted.as_dict()
    assert wanted.as_dict() == {
        "name": "br77",
        "network": "192.168.77.0/24",
        "network6": "fd77:1:2::/64",
        "egress": wanted.policy.as_dict(),
    }


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_another_text_is_no_segment(text):
    with pytest.raises(Invalid, match="the file of a segment is invalid"):
        segment.from_text(text)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "invalid segments: not a list"),
        ("br77", "invalid segments: not a list"),
        (["br77"], r"invalid segments\[0\]: 'br77' is not a mapping"),
        ([{"name": "eth0"}], r"invalid segments\[0\].name: 'eth0' is not the name of a segment"),
        ([{"name": "br77", "color": 1}], "unknown key 'color'"),
        ([{"name": "br77", "egress": "unrestricted"}], r"egress: a gateway restricts its segments"),
        ([{"name": "br77", "egress": "open"}], r"segments\[0\].egress.mode: 'open' is no mode"),
        ([{"name": "br300"}], r"network: br300 has no default"),
        ([{"name": "br77", "network": "93.184.0.0/24"}], "is not a private IPv4 network"),
        ([{"name": "br77", "network": "127.0.0.0/24"}], "is not a private IPv4 network"),
        ([{"name": "br77", "network": "169.254.0.0/16"}], "is not a private IPv4 network"),
        ([{"name": "br77", "network": "10.77.0.1/24"}], "has host bits set"),
        ([{"name": "br77", "network": "10.77.0.0/30"}], "Use a prefix length from 16 to 28"),
        ([{"name": "br77", "network6": "2001:4860::/64"}], "is not a unique local IPv6 network"),
        ([{"name": "br77", "network6": "fd77::/48"}], "is not a unique local IPv6 network"),
        ([{"name": "br77", "interface": "eth1; reboot"}], "is not the name of an interface"),
        ([{"name": "br77"}, {"name": "br77"}], "name 'br77' is there twice"),
        ([{"name": "br77"}, {"name": "br78", "interface": "eth1"}], "interface 'eth1' is there twice"),
        ([{"name": "br77"}, {"name": "br78", "network": "10.77.0.0/16"}], "the networks of br77 and br78 overlap"),
    ],
)
def test_an_invalid_segment_is_refused_by_the_name_of_its_part(value, message):
    with pytest.raises(Invalid, match=message):
        segment.parse_all(value)
