# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what Incus keeps beside a container's files, and of its new set-up from that."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

from tests.unit.simulator.nas import Nas

WEB, DB = "tank/.ix-virt/containers/px-web", "tank/.ix-virt/containers/px-db"


@pytest.fixture
def nas(tmp_path: Path) -> t.Iterator[Nas]:
    made = Nas(tmp_path)
    yield made
    made.close()


def record(nas: Nas, dataset: str = WEB) -> dict[str, t.Any]:
    found: dict[str, t.Any] = yaml.safe_load(nas.world.storage.zfs.datasets[dataset].beside["backup.yaml"])
    return found


def set_up_again(nas: Nas) -> None:
    nas.call("virt.global.update", {"pool": None, "storage_pools": []})
    nas.call("virt.global.update", {"pool": "tank"})


def replace_by_clone_of_web(nas: Nas) -> None:
    """As a clone that was broken off after it was put in the place of its container's dataset."""
    nas.snapshot("px-web", "ready")
    nas.run(nas.world.storage.destroy(DB, recursive=True))
    nas.run(nas.world.storage.clone(f"{WEB}@ready", DB))


def test_every_change_is_written_to_the_record(nas: Nas) -> None:
    nas.call("virt.instance.create", {"name": "px-web", "image": "debian/12", "autostart": False})
    assert record(nas)["container"]["config"]["volatile.apply_template"] == "create"
    assert (record(nas)["container"]["name"], record(nas)["volume"]["name"]) == ("px-web", "px-web")

    nas.call("virt.instance.update", "px-web", {"environment": {"A": "b"}, "cpu": "2"})
    assert record(nas)["container"]["config"]["environment.A"] == "b"

    nas.call("virt.instance.device_add", "px-web", {"dev_type": "DISK", "source": "/mnt/tank", "destination": "/data"})
    assert "disk0" in record(nas)["container"]["devices"]


def test_the_record_goes_where_the_dataset_goes(nas: Nas) -> None:
    nas.add("px-web", "STOPPED")
    [ready] = nas.snapshot("px-web", "ready")
    nas.call("virt.instance.update", "px-web", {"environment": {"A": "b"}})

    nas.run(nas.world.storage.clone(ready, "tank/copy"))
    assert "environment.A" not in record(nas, "tank/copy")["container"]["config"]
    assert record(nas, "tank/copy")["container"]["name"] == "px-web"

    nas.run(nas.world.storage.rollback(ready))
    assert "environment.A" not in record(nas)["container"]["config"]


def test_without_its_dataset_a_container_is_neither_started_nor_changed(nas: Nas) -> None:
    nas.add("px-web", "STOPPED")
    nas.run(nas.world.storage.destroy(WEB, recursive=True))

    text = (
        "[EFAULT] Failed to write backup file: Failed to run: zfs set mountpoint=legacy canmount=noauto "
        f"{WEB}: exit status 1 (cannot open '{WEB}': dataset does not exist)"
    )
    assert str(nas.refusal("virt.instance.start", "px-web")) == text
    assert str(nas.refusal("virt.instance.update", "px-web", {"cpu": "1"})) == text
    assert nas.world.containers["px-web"].cpu == "2"


def test_a_new_set_up_brings_all_containers_back_as_they_were(nas: Nas) -> None:
    made = nas.add("px-web", environment={"A": "b"}, cpu="0-3")
    nas.add("px-db", "STOPPED")

    set_up_again(nas)

    found = nas.world.instances["px-web"]
    assert found is not made
    assert (found.mac, found.uuid, found.created) == (made.mac, made.uuid, made.created)
    assert (found.environment, found.cpu, found.memory, found.status) == ({"A": "b"}, "0-3", made.memory, "STOPPED")
    assert set(nas.world.containers) == {"px-web", "px-db"}
    assert nas.call("virt.instance.start", "px-web") is True


def test_one_dataset_with_the_record_of_another_container_keeps_all_of_them_away(nas: Nas) -> None:
    nas.add("px-web", "STOPPED")
    nas.add("px-db", "STOPPED")
    replace_by_clone_of_web(nas)
    nas.call("virt.global.update", {"pool": None, "storage_pools": []})

    error = nas.refusal("virt.global.update", {"pool": "tank"})

    assert str(error) == (
        '[EFAULT] Internal storage validation failed: Failed checking volumes on pool "tank": Instance "px-db" in '
        'project "default" has a different instance name in its backup file ("px-web")'
    )
    assert nas.call("virt.global.config")["state"] == "ERROR"
    assert nas.call("virt.instance.query", [], {}) == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda record: record["volume"].update(name="px-web"), "different volume name"),
        (lambda record: record["pool"].update(name="fast"), "pool name mismatch"),
        (lambda record: record.update(snapshots=[{"name": "gone"}]), "inconsistent with storage"),
    ],
)
def test_a_record_that_does_not_fit_keeps_all_of_them_away(
    nas: Nas, change: t.Callable[[dict[str, t.Any]], None], text: str
) -> None:
    nas.add("px-db", "STOPPED")
    changed = record(nas, DB)
    change(changed)
    nas.world.storage.zfs.datasets[DB].beside["backup.yaml"] = yaml.safe_dump(changed).encode()
    nas.call("virt.global.update", {"pool": None, "storage_pools": []})

    assert text in str(nas.refusal("virt.global.update", {"pool": "tank"}))


def test_the_templates_of_the_image_are_written_before_the_first_start_only(nas: Nas) -> None:
    nas.call("virt.instance.create", {"name": "px-web", "image": "debian/12", "autostart": False})
    put(nas, "/etc/hosts", b"10.0.0.5 db\n")

    nas.call("virt.instance.start", "px-web")
    assert nas.run(nas.engine.read_file("px-web", "/etc/hosts")).startswith(b"127.0.1.1\tpx-web\n")
    assert nas.run(nas.engine.read_file("px-web", "/etc/hostname")) == b"px-web\n"

    put(nas, "/etc/hosts", b"10.0.0.5 db\n")
    nas.call("virt.instance.restart", "px-web", {"force": True})
    assert nas.run(nas.engine.read_file("px-web", "/etc/hosts")) == b"10.0.0.5 db\n"


def test_after_a_new_set_up_they_are_written_again_where_the_record_says_so(nas: Nas) -> None:
    nas.call("virt.instance.create", {"name": "px-web", "image": "debian/12", "autostart": False})
    nas.call("virt.instance.start", "px-web")
    put(nas, "/etc/hosts", b"10.0.0.5 db\n")

    set_up_again(nas)
    nas.call("virt.instance.start", "px-web")

    assert b"10.0.0.5 db" not in nas.run(nas.engine.read_file("px-web", "/etc/hosts"))


def put(nas: Nas, path: str, content: bytes) -> None:
    nas.run(nas.engine.write_file("px-web", path, content, append=False, mode=0o644, uid=0, gid=0))
