# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a container says of itself."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Address, Container


@pytest.mark.parametrize(("status", "running"), [("running", True), ("stopped", False), ("frozen", False)])
def test_only_one_that_is_running_runs(status, running):
    assert Container("px-web", status).running is running


def test_its_address_is_the_first_of_ipv4():
    addresses = (Address("ipv6", "fd00::2"), Address("ipv4", "10.0.0.2", 24), Address("ipv4", "172.17.0.1", 16))

    assert Container("px-web", "running", addresses).ipv4 == "10.0.0.2"


@pytest.mark.parametrize("addresses", [(), (Address("ipv6", "fd00::2"),), (Address("ipv4", ""),)])
def test_it_may_have_none(addresses):
    assert Container("px-web", "running", addresses).ipv4 is None
