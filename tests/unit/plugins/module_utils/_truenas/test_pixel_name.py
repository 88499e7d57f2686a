# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the names of pixels."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName, is_address


@pytest.mark.parametrize("name", ["web", "px-web"])
def test_a_name_means_the_same_with_and_without_the_prefix(name):
    parsed = PixelName.parse(name)

    assert parsed == parsed.full == "px-web"
    assert parsed.bare == "web"
    assert type(parsed.full) is str


@pytest.mark.parametrize("name", ["w", "7", "web-1", "WEB", "a" * 60])
def test_names_that_incus_accepts_are_accepted(name):
    assert PixelName.parse(name) == f"px-{name}"


@pytest.mark.parametrize(
    "name", ["", "px-", "-web", "web-", "we_b", "we.b", "we b", "wéb", "../web", "web\n", "a" * 61]
)
def test_names_that_incus_refuses_are_refused(name):
    with pytest.raises(Invalid) as caught:
        PixelName.parse(name)

    assert repr(name) in str(caught.value)
    assert caught.value.fields[0][0] == "name"


@pytest.mark.parametrize(
    ("name", "rule"),
    [("we_b", "use letters, digits and dashes, and no dash at either end"), ("a" * 61, "use at most 60 characters")],
)
def test_an_invalid_name_is_refused_with_the_rule_it_breaks(name, rule):
    with pytest.raises(Invalid) as caught:
        PixelName.parse(name)

    assert str(caught.value) == f"invalid pixel name {name!r}: {rule}"
    assert caught.value.fields == (("name", rule),)


@pytest.mark.parametrize("text", ["192.0.2.7", "2001:db8::7", "[2001:db8::7]"])
def test_an_address_is_no_name(text):
    assert is_address(text)
    assert not is_address("web")
