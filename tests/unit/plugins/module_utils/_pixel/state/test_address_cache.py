# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the remembered addresses of pixels."""

from __future__ import annotations

import json

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.address_cache import (
    AddressCache,
)


@pytest.fixture
def addresses(tmp_path):
    return AddressCache("nas", directory=str(tmp_path / "pixels"))


def test_an_address_is_remembered_and_forgotten(addresses):
    assert addresses.find("px-web") is None
    addresses.note("px-web", "10.0.0.1")
    addresses.note("px-web", "10.0.0.2")
    assert addresses.find("px-web") == "10.0.0.2"
    addresses.forget("px-web")
    assert addresses.find("px-web") is None


@pytest.mark.parametrize(
    "address", ["-oProxyCommand=touch owned", "10.0.0.5\n", "fe80::1%$(id)", "", 5, None, ["10.0.0.5"]]
)
def test_an_invalid_address_is_ignored(tmp_path, address):
    known = AddressCache("nas", directory=str(tmp_path))
    known.note("px-web", "10.0.0.5")
    with open(known.path, "w", encoding="utf-8") as file:
        json.dump({"px-web": address, "px-db": "fd00::5"}, file)

    assert known.find("px-web") is None
    assert known.find("px-db") == "fd00::5"
