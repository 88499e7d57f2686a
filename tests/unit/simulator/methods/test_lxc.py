# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what is set for containers as a whole on TrueNAS 26."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator import lan
from tests.simulator.releases import LIBVIRT_HAS
from tests.unit.simulator.nas import Nas

ON = LIBVIRT_HAS


def test_a_nas_that_was_set_up(nas: Nas) -> None:
    assert nas.call("lxc.config") == {
        "id": 1,
        "preferred_pool": "tank",
        "bridge": None,
        "v4_network": "172.200.0.0/24",
        "v6_network": "fd42:4c58:43ae::/64",
    }


def test_only_what_was_sent_is_changed(nas: Nas) -> None:
    row = nas.call("lxc.update", {"preferred_pool": "fast", "v4_network": "10.5.0.0/24"})

    assert (row["preferred_pool"], row["v4_network"], row["bridge"]) == ("fast", "10.5.0.0/24", None)
    assert nas.call("lxc.config") == row
    assert nas.call("lxc.update") == row


@pytest.mark.parametrize("automatic", [None, "", "[AUTO]"])
def test_a_bridge_of_the_nas_or_one_that_is_made(nas: Nas, automatic: str | None) -> None:
    nas.world.interfaces["br0"] = lan.bridge()

    chosen = nas.call("lxc.update", {"bridge": "br0"})["bridge"]
    nas.add("px-web", "STOPPED")
    shown = nas.call("container.get_instance", 1)["default_network"]

    assert (chosen, shown) == ("br0", "br0")
    assert nas.call("lxc.bridge_choices") == {"[AUTO]": "Automatic", "br0": "br0"}
    assert nas.call("lxc.update", {"bridge": automatic})["bridge"] is None


@pytest.mark.parametrize(
    ("change", "attribute", "text"),
    [
        ({"bridge": "br9"}, "bridge", "Invalid bridge"),
        ({"preferred_pool": "nope"}, "preferred_pool", "Pool not found."),
        ({"v4_network": "10.0.0.0/31"}, "v4_network", "The network must have at least 4 addresses"),
        (
            {"v4_network": "192.168.1.0/24"},
            "v4_network",
            "Network 192.168.1.0/24 overlaps with an existing system network",
        ),
        ({"v4_network": "10.0.0.1/24"}, "v4_network", "Value error, 10.0.0.1/24 has host bits set"),
        ({"v4_network": None}, "v4_network", "Input should be a valid string"),
        ({"v6_network": ""}, "v6_network", "Value error, Address cannot be empty"),
    ],
)
def test_what_is_refused(nas: Nas, change: dict[str, t.Any], attribute: str, text: str) -> None:
    before = nas.call("lxc.config")

    error = nas.refusal("lxc.update", change)

    assert error.triples == [(f"lxc_config_update.{attribute}", text, 22)]
    assert nas.call("lxc.config") == before


def test_a_network_that_is_there_already_may_stay(nas: Nas) -> None:
    nas.world.interfaces["truenasbr0"] = lan.bridge("truenasbr0", address="172.200.0.1/24")

    assert nas.call("lxc.update", {"v4_network": "172.200.0.0/24"})["v4_network"] == "172.200.0.0/24"
