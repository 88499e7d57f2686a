# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the conditions, the order and the further columns of a list of pixels."""

from __future__ import annotations

import argparse

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_selection
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Address, Container, Metadata
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

CONDITIONS = {"status": None, "owner": None, "fleet": None, "label": [], "expired": False, "sort": "name"}


def pixel(name, status="running", address=None, **metadata):
    addresses = (Address("ipv4", address),) if address else ()
    return Container(PixelName(f"px-{name}"), status, addresses, metadata=Metadata(**metadata))


PIXELS = [
    pixel("a", address="10.0.0.9", owner="ann", labels={"role": "front", "tier": "1"}),
    pixel("b", address="10.0.0.10", owner="bob", fleet="demo", labels={"role": "back"}, expires="2999-01-01T00:00:00Z"),
    pixel("c", "stopped", fleet="demo", expires="2020-01-01T00:00:00Z"),
]


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        ({}, "abc"),
        ({"status": "stopped"}, "c"),
        ({"owner": "ann"}, "a"),
        ({"fleet": "demo"}, "bc"),
        ({"fleet": "demo", "owner": "ann"}, ""),
        ({"label": ["role"]}, "ab"),
        ({"label": ["role=front"]}, "a"),
        ({"label": ["role=front", "tier=2"]}, ""),
        ({"label": ["role="]}, ""),
        ({"expired": True}, "c"),
        ({"sort": "status"}, "abc"),
        ({"sort": "ip"}, "abc"),
        ({"sort": "expires"}, "cba"),
    ],
)
def test_pixels_are_selected_and_sorted(conditions, names):
    found = list_selection.select(PIXELS, argparse.Namespace(**{**CONDITIONS, **conditions}))

    assert "".join(each.name.bare for each in found) == names


def test_further_columns_show_what_there_is():
    assert list_selection.wide_cells(PIXELS[1]) == ("—", "unlimited", "unlimited", "—", "bob", "demo", "role=back")
    assert len(list_selection.wide_cells(PIXELS[2])) == len(list_selection.WIDE_HEADER)
