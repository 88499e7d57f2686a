# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the specification and the state of a segment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.segments import segment as segments
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.host_network import HostInterface

newest_incus = pytest.mark.parametrize("release", ["25.10"])


@newest_incus
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"name": "eno1"}, "invalid name of a segment 'eno1': use br and a number, such as br77"),
        ({"name": "br77x"}, "invalid name of a segment 'br77x'"),
        ({"checkin_timeout": 5}, "invalid checkin_timeout 5: use 10 to 600 seconds"),
    ],
)
def test_invalid_options_are_refused(segment, truenas, params, message):
    assert message in segment(**params)["msg"]
    assert truenas.stats.calls["interface.query"] == 0


ENO1 = HostInterface("eno1", "physical", False, "", (), ("10.0.0.2/24",), ipv4_dhcp=True, ipv6_auto=True)
BRIDGE = HostInterface("br77", "bridge", False, "", (), (), ipv4_dhcp=False, ipv6_auto=False)


def test_a_fingerprint_is_that_of_the_rest_of_the_configuration():
    known = segments.fingerprint([ENO1], "br77")

    assert segments.fingerprint([BRIDGE, ENO1], "br77") == known
    assert segments.fingerprint([replace(ENO1, live=(), is_pending=True)], "br77") == known
    # With an interface in the configuration, one that is not there reads otherwise.
    assert segments.fingerprint([replace(ENO1, ipv4_dhcp=False, ipv6_auto=False)], "br77") == known


@pytest.mark.parametrize(
    "change",
    [
        {"aliases": ("10.0.0.2/24",)},
        {"ipv6_auto": False},
        {"description": "x"},
        {"members": ("eno2",)},
        {"has_stp": True},
        {"settings": (9000,)},
        {"name": "eno2"},
    ],
)
def test_another_configuration_has_another_fingerprint(change):
    assert segments.fingerprint([replace(ENO1, **change)], "br77") != segments.fingerprint([ENO1], "br77")


def test_another_interface_changes_the_fingerprint():
    other = replace(BRIDGE, name="br5")

    assert segments.fingerprint([ENO1, other, BRIDGE], "br77") != segments.fingerprint([ENO1, BRIDGE], "br77")


@pytest.mark.parametrize("release", ["25.10", "26"])
def test_a_bridge_that_the_middleware_forgot_to_commit_is_created_again(segment, truenas, session):
    session.call("interface.create", {"type": "BRIDGE", "name": "br77", "bridge_members": [], "stp": False})
    truenas.world.network.forget()

    result = segment()

    assert result["segment"]["isolated"] == "yes"
    assert truenas.world.has_interface("br77")
    assert not truenas.world.network.has_pending_changes
