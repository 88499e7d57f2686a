# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of datasets: the public view hides those of containers, the private one may destroy them."""

from __future__ import annotations

from tests.simulator.releases import INCUS_HAS
from tests.unit.simulator.nas import Nas

ON = INCUS_HAS

WEB = "tank/.ix-virt/containers/px-web"


def test_datasets_of_containers_are_hidden(nas: Nas) -> None:
    nas.add("px-web")

    assert sorted(row["id"] for row in nas.call("pool.dataset.query")) == ["fast", "tank"]
    assert WEB in [row["id"] for row in nas.call("zfs.dataset.query")]
    error = nas.refusal("pool.dataset.get_instance", WEB)
    assert error.triples == [(None, f"PoolDataset {WEB} does not exist", 2)]
    assert nas.call("pool.dataset.get_instance", "tank")["mountpoint"] == "/mnt/tank"


def test_a_running_container_keeps_its_dataset_busy(nas: Nas) -> None:
    nas.add("px-web")

    error = nas.refusal("zfs.dataset.delete", WEB, {"recursive": True})

    assert (str(error), error.errno) == (
        f"[EBUSY] Failed to delete dataset: cannot destroy '{WEB}': dataset is busy",
        16,
    )


def test_a_dataset_goes_with_its_snapshots_only_recursively(nas: Nas) -> None:
    nas.add("px-web", "STOPPED")
    [base] = nas.snapshot("px-web", "base")

    assert nas.refusal("zfs.dataset.delete", WEB).errno == 14
    assert nas.call("zfs.dataset.delete", WEB, {"recursive": True}) is True

    assert base not in nas.world.snapshots
    assert "px-web" in nas.world.containers


def test_a_dataset_can_be_renamed(nas: Nas) -> None:
    nas.world.storage.zfs.add("tank/data")

    nas.call("zfs.dataset.rename", "tank/data", {"new_name": "tank/moved"})

    assert nas.call("pool.dataset.query", [["id", "=", "tank/moved"]], {"count": True}) == 1


def test_what_is_not_there_is_neither_renamed_nor_promoted(nas: Nas) -> None:
    assert nas.refusal("zfs.dataset.rename", "tank/none", {"new_name": "tank/x"}).errno == 2
    assert str(nas.refusal("zfs.dataset.promote", "tank/none")) == "[ENOENT] Dataset 'tank/none' not found"
    assert nas.refusal("pool.dataset.promote", "tank/none").errno == 2


def test_a_container_set_aside_keeps_its_files_and_its_name_is_free(nas: Nas) -> None:
    nas.add("px-web", "STOPPED")
    nas.run(write(nas, "px-web", "old"))
    [base] = nas.snapshot("px-web", "base")
    aside = "tank/.ix-virt/deleted/containers/aside"

    nas.call("zfs.dataset.rename", WEB, {"new_name": aside})
    nas.call(f"{nas.release.snapshot_service}.clone", {"snapshot": f"{aside}@base", "dataset_dst": WEB})
    nas.run(write(nas, "px-web", "new"))
    nas.call("pool.dataset.promote", WEB, roles=("DATASET_WRITE",))
    nas.call("zfs.dataset.delete", aside, {})

    assert base in nas.world.snapshots
    assert nas.run(nas.engine.read_file("px-web", "/etc/is")) == b"new"
    nas.call(f"{nas.release.snapshot_service}.rollback", base)
    assert nas.run(nas.engine.read_file("px-web", "/etc/is")) == b"old"


def test_a_clone_outside_of_incus_is_mounted_until_it_is_renamed_into_it(nas: Nas) -> None:
    nas.add("px-web")
    nas.run(write(nas, "px-web", "x"))
    [base] = nas.snapshot("px-web", "base")
    nas.call("zfs.dataset.rename", WEB, {"new_name": "tank/.ix-virt/deleted/containers/aside"})
    base = base.replace("containers/px-web", "deleted/containers/aside")

    nas.call(f"{nas.release.snapshot_service}.clone", {"snapshot": base, "dataset_dst": "tank/staged"})

    assert nas.call("filesystem.stat", "/mnt/tank/staged")["is_mountpoint"]
    assert nas.call("filesystem.stat", "/mnt/tank/staged/rootfs/etc/is")["size"] == 1
    nas.call("filesystem.file_receive", "/mnt/tank/staged/rootfs/etc/is", "bmV3", {"mode": 0o644})
    nas.call("zfs.dataset.rename", "tank/staged", {"new_name": WEB})
    assert nas.refusal("filesystem.stat", "/mnt/tank/staged").errno == 2
    assert nas.run(nas.engine.read_file("px-web", "/etc/is")) == b"new"


async def write(nas: Nas, name: str, text: str) -> None:
    await nas.engine.write_file(name, "/etc/is", text.encode(), append=False, mode=None, uid=0, gid=0)


def test_the_private_view_shows_the_properties_that_are_asked_for(nas: Nas) -> None:
    nas.add("px-web")

    [row] = nas.call("zfs.dataset.query", [["id", "=", WEB]], {"extra": {"properties": ["origin"]}})
    [bare] = nas.call("zfs.dataset.query", [["id", "=", WEB]], {"extra": {"retrieve_properties": False}})

    assert row["properties"].keys() == {"origin"}
    assert row["properties"]["origin"]["rawvalue"].endswith("@readonly")
    assert bare["properties"] == {}
