# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the address and the MAC of each container."""

from __future__ import annotations

from tests.simulator.engines.base import Address
from tests.simulator.engines.lxc.addresses import AddressPool


def test_no_two_places_share_an_address_or_a_mac() -> None:
    pool = AddressPool()

    allotted = [pool.allot() for _number in range(1000)]

    assert len({port.v4 for port in allotted}) == 1000
    assert len({port.v6 for port in allotted}) == 1000
    assert len({port.mac for port in allotted}) == 1000


def test_a_place_that_was_given_back_is_the_last_to_be_handed_out_again() -> None:
    pool = AddressPool()
    first = pool.allot()

    pool.give_back(first)

    assert first not in [pool.allot() for _number in range(1000)]


def test_a_place_is_written_as_addresses_of_both_families_and_a_mac() -> None:
    port = AddressPool().allot()

    assert port.addresses() == [Address("INET", "10.77.1.1", 16), Address("INET6", "fd77::101", 64)]
    assert port.mac == "00:16:3e:77:01:01"
