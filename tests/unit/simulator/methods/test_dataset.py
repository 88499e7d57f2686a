# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of datasets: the public view hides those of containers, the private one may destroy them."""

from __future__ import annotations

from tests.unit.simulator.nas import Nas

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
