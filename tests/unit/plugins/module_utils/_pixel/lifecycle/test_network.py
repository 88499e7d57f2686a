# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the interface that a new pixel is attached to."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config.defaults import Defaults
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import network
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Nic

DETECTED = Nic("eno1", "macvlan")


@pytest.fixture
def release():
    """One release is enough: each backend has tests of its own."""
    return "25.10"


@pytest.mark.parametrize(
    ("settings", "chosen"),
    [
        ({}, DETECTED),
        ({"parent": "br0", "nic_type": "bridged"}, Nic("br0", "bridged")),
        ({"network": "incusbr0"}, None),
    ],
)
def test_the_settings_precede_the_detected_interface(settings, chosen):
    assert network.choose_nic(Defaults(**settings), lambda: DETECTED) == chosen


def test_the_interface_of_the_default_route_is_detected(pixels):
    warnings = []

    assert network.detect_nic(pixels, warnings.append).parent in pixels.containers.parents("macvlan")
    assert warnings == []


def test_an_unknown_interface_is_rejected_with_the_known_ones(pixels):
    with pytest.raises(Invalid, match="nosuch0.*eno1"):
        network.reject_unknown_parent(pixels, Nic("nosuch0", "macvlan"))
