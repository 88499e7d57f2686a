# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the names of pixels."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.names import bare_name, full_name


@pytest.mark.parametrize("name", ["web", "px-web"])
def test_a_name_means_the_same_with_and_without_the_prefix(name):
    assert full_name(name) == "px-web"
    assert bare_name(name) == "web"


@pytest.mark.parametrize("name", ["w", "7", "web-1", "WEB", "a" * 60])
def test_what_incus_accepts_is_accepted(name):
    assert full_name(name) == f"px-{name}"


@pytest.mark.parametrize(
    "name", ["", "px-", "-web", "web-", "we_b", "we.b", "we b", "wéb", "../web", "web\n", "a" * 61]
)
def test_what_incus_would_refuse_is_refused_before_it_is_sent(name):
    with pytest.raises(Invalid) as caught:
        full_name(name)

    assert repr(name) in str(caught.value)
    assert caught.value.fields[0][0] == "name"
