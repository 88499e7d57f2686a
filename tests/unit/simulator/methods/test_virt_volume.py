# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the disks for VMs: how they are called, made, changed and refused."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator.errors import CallError, InstanceNotFound
from tests.simulator.releases import INCUS_HAS
from tests.simulator.volume import Volume
from tests.unit.simulator.conftest import Connect, Start
from tests.unit.simulator.methods.conftest import Make
from tests.unit.simulator.nas import Nas

ON = INCUS_HAS

NAME_TEXT = (
    "Value error, Name can contain only letters, numbers, dashes, underscores and dots. "
    "Name must start with a letter, and must not end with a dash."
)


def id_of(nas: Nas, name: str, pool: str = "tank") -> str:
    """What the release calls a volume."""
    return {"25.04": name, "25.10": f"{pool}_{name}"}[nas.release.name]


def test_a_volume_is_made_in_the_default_pool(nas: Nas) -> None:
    made = nas.call("virt.volume.create", {"name": "disk-1"})

    assert list(made) == ["id", "name", "storage_pool", "content_type", "created_at", "type", "config", "used_by"]
    assert (made["id"], made["name"], made["storage_pool"]) == (id_of(nas, "disk-1"), "disk-1", "tank")
    assert (made["content_type"], made["config"], made["used_by"]) == ("BLOCK", {"size": 1024}, [])
    assert [(each.name, each.pool, each.megabytes) for each in nas.world.volumes] == [("disk-1", "tank", 1024)]
    assert nas.call("virt.volume.query") == nas.world.as_json()["volumes"] == [made]
    assert nas.events == [("virt.volume.query", "added", made["id"], made)]


def test_a_volume_is_found_by_its_id(nas: Nas) -> None:
    nas.world.volumes = [Volume("disk-1", "tank", 512), Volume("disk-2", "tank", 2048)]
    id = id_of(nas, "disk-2")

    found = nas.call("virt.volume.get_instance", id)

    assert found == nas.call("virt.volume.query", [["id", "=", id]], {"get": True})
    assert (found["name"], found["config"]) == ("disk-2", {"size": 2048})
    assert nas.call("virt.volume.get_instance", id, {"select": ["name"]}) == {"name": "disk-2"}


def test_a_volume_is_resized(nas: Nas) -> None:
    nas.world.volumes = [Volume("disk-1", "tank", 512)]
    id = id_of(nas, "disk-1")

    resized = nas.call("virt.volume.update", id, {"size": 4096})
    left_alone = nas.call("virt.volume.update", id, {})

    assert resized["config"] == left_alone["config"] == {"size": 4096}
    assert nas.world.volumes[0].megabytes == 4096
    assert nas.events[0] == ("virt.volume.query", "changed", id, resized)


def test_a_volume_is_deleted(nas: Nas) -> None:
    nas.world.volumes = [Volume("disk-1", "tank", 512), Volume("disk-2", "tank", 512)]
    id = id_of(nas, "disk-1")

    assert nas.call("virt.volume.delete", id) is True

    assert [each.name for each in nas.world.volumes] == ["disk-2"]
    assert nas.events == [("virt.volume.query", "removed", id, None)]


@pytest.mark.parametrize(("name", "arguments"), [("get_instance", ()), ("update", ({"size": 512},)), ("delete", ())])
def test_a_volume_that_is_not_there(nas: Nas, name: str, arguments: tuple[t.Any, ...]) -> None:
    error = nas.refusal(f"virt.volume.{name}", "nothing", *arguments)

    assert isinstance(error, InstanceNotFound)
    assert str(error) == "[ENOENT] None: VirtVolume nothing does not exist"
    assert nas.events == []


@pytest.mark.parametrize(
    ("data", "attribute", "text"),
    [
        ({}, "name", "Field required"),
        ({"name": "1disk"}, "name", NAME_TEXT),
        ({"name": "disk-"}, "name", NAME_TEXT),
        ({"name": "d" * 64}, "name", "String should have at most 63 characters"),
        ({"name": "disk-1", "size": 511}, "size", "Input should be greater than or equal to 512"),
        ({"name": "disk-1", "content_type": "ISO"}, "content_type", "Input should be 'BLOCK'"),
        ({"name": "disk-1", "storage_pool": "fast"}, "storage_pool", "Not a valid storage pool. Choices are: tank"),
        ({"name": "taken"}, "name", "Volume with this name already exists"),
    ],
)
def test_a_wrong_volume_is_refused(nas: Nas, data: dict[str, t.Any], attribute: str, text: str) -> None:
    nas.world.volumes = [Volume("taken", "tank", 512)]

    error = nas.refusal("virt.volume.create", data)

    assert error.triples == [(f"virt_volume_create.{attribute}", text, 22)]
    assert [each.name for each in nas.world.volumes] == ["taken"]


@pytest.mark.parametrize(("release", "allowed"), [("25.04", False), ("25.10", True)])
def test_since_25_10_each_pool_has_its_own_names(make_nas: Make, release: str, allowed: bool) -> None:
    nas = make_nas(release)
    nas.call("virt.global.update", {"storage_pools": ["tank", "fast"]})
    nas.call("virt.volume.create", {"name": "disk-1"})
    other = {"name": "disk-1", "storage_pool": "fast"}

    if allowed:
        nas.call("virt.volume.create", other)
    else:
        nas.refusal("virt.volume.create", other)

    assert [each.pool for each in nas.world.volumes] == ["tank", "fast"][: 1 + allowed]


def test_there_are_none_while_virtualization_is_off(nas: Nas) -> None:
    nas.world.volumes = [Volume("disk-1", "tank", 512)]
    nas.world.state = "NO_POOL"

    error = nas.refusal("virt.volume.create", {"name": "disk-2"})

    assert nas.call("virt.volume.query") == []
    assert isinstance(error, CallError)
    assert str(error) == "[EFAULT] Virtualization not initialized."


def test_a_vm_may_choose_a_volume_as_its_disk(nas: Nas) -> None:
    nas.world.volumes = [Volume("disk-1", "tank", 512)]

    id = id_of(nas, "disk-1")

    assert nas.call("virt.device.disk_choices") == {id: id}


@pytest.mark.parametrize("release", INCUS_HAS)
def test_volumes_have_roles_of_their_own(start: Start, connect: Connect, release: str) -> None:
    simulator = start(release=release)
    reader, other = connect(simulator), connect(simulator)
    reader.login("reader", simulator.add_account("reader", roles=["VIRT_IMAGE_READ"]))
    other.login("other", simulator.add_account("other", roles=["VIRT_INSTANCE_WRITE"]))

    refused = [reader.refusal("virt.volume.create", {"name": "disk-1"}), other.refusal("virt.volume.query")]

    assert reader.call("virt.volume.query") == []
    assert {error["data"]["reason"] for error in refused} == {"[EACCES] Not authorized"}
    assert simulator.world.volumes == []
