# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of virt.global.*: where containers may live."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator import lan
from tests.simulator.errors import GenericError
from tests.simulator.releases import INCUS_HAS
from tests.unit.simulator.nas import Nas

ON = INCUS_HAS


def test_a_set_up_nas(nas: Nas) -> None:
    assert nas.call("virt.global.config") == {
        "id": 1,
        "pool": "tank",
        "dataset": "tank/.ix-virt",
        "storage_pools": ["tank"],
        "bridge": None,
        "v4_network": "10.154.81.1/24",
        "v6_network": "fd42:2c5c:5bbd:8b2e::1/64",
        "state": "INITIALIZED",
    }


def test_choices_of_pools_and_bridges(nas: Nas) -> None:
    nas.world.interfaces["br0"] = lan.bridge()

    assert nas.call("virt.global.pool_choices") == {"[DISABLED]": "[Disabled]", "tank": "tank", "fast": "fast"}
    assert nas.call("virt.global.bridge_choices") == {"[AUTO]": "Automatic", "br0": "br0"}


@pytest.mark.parametrize("pool", [None, "[DISABLED]"])
def test_without_a_pool_everything_stops_and_nothing_is_shown(nas: Nas, pool: str | None) -> None:
    instance = nas.add("px-web")

    entry = nas.call("virt.global.update", {"pool": pool, "storage_pools": []})

    assert (entry["pool"], entry["dataset"], entry["storage_pools"], entry["state"]) == (None, None, [], "NO_POOL")
    assert entry["v4_network"] == "10.154.81.1/24"
    assert instance.status == "STOPPED"
    assert nas.call("virt.instance.query") == []
    assert nas.events[-1] == ("virt.global.config", "changed", None, entry)


def test_containers_come_back_with_the_pool(nas: Nas) -> None:
    nas.add("px-web")
    nas.call("virt.global.update", {"pool": None, "storage_pools": []})

    assert nas.call("virt.global.update", {"pool": "tank"})["storage_pools"] == ["tank"]

    assert [row["status"] for row in nas.call("virt.instance.query")] == ["STOPPED"]


def test_every_update_starts_what_shall_start_with_the_nas(nas: Nas) -> None:
    waiting, other = nas.add("px-web", "STOPPED", autostart=True), nas.add("px-db", "STOPPED")

    nas.call("virt.global.update", {})

    assert (waiting.status, other.status) == ("RUNNING", "STOPPED")


@pytest.mark.parametrize(
    ("change", "attribute", "text"),
    [
        ({"pool": "nope"}, "pool", "Invalid pool"),
        ({"bridge": "br9"}, "bridge", "Invalid bridge"),
        ({"storage_pools": ["tank", "nope"]}, "storage_pools.1", "nope: pool is not available for incus storage"),
    ],
)
def test_what_cannot_be_set_is_refused_by_name(nas: Nas, change: dict[str, t.Any], attribute: str, text: str) -> None:
    error = nas.refusal("virt.global.update", change)

    assert (f"virt_global_update.{attribute}", text, 22) in error.triples


def test_a_pool_with_containers_stays(nas: Nas) -> None:
    nas.add("px-a", storage_pool="fast")
    nas.add("px-b", storage_pool="fast")

    error = nas.refusal("virt.global.update", {"storage_pools": ["tank"]})

    text = "The pool 'fast' cannot be removed because it is currently used by the following asset(s):"
    assert error.triples == [("virt_global_update.storage_pools", f"{text}\n- Virt-Instances: px-a, px-b", 22)]


def test_storage_pools_null_crashes_as_the_middleware_does(nas: Nas) -> None:
    assert isinstance(nas.refusal("virt.global.update", {"storage_pools": None}), GenericError)


def test_a_locked_pool_locks_virtualization(nas: Nas) -> None:
    nas.world.pools["fast"].locked = True
    assert "fast" not in nas.call("virt.global.pool_choices")

    nas.world.pools["tank"].locked = True
    nas.world.default_pool = "tank"
    error = nas.refusal("virt.global.update", {})

    assert ("virt_global_update.pool", "Invalid pool", 22) in error.triples


def test_a_network_is_known_by_its_name(nas: Nas) -> None:
    nas.world.interfaces["br0"] = lan.bridge()

    assert nas.call("virt.global.get_network", "incusbr0")["ipv4_nat"] is True
    assert str(nas.refusal("virt.global.get_network", "nope")) == "[EFAULT] Network not found"
    assert str(nas.refusal("virt.global.get_network", "br0")) == "'ipv4.address'"
    nas.world.state = "LOCKED"
    assert str(nas.refusal("virt.global.get_network", "incusbr0")) == "[EFAULT] Virtualization not initialized."
