# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of snapshots in the words of each release."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from tests.simulator.errors import CallError, InstanceNotFound
from tests.simulator.registry import REGISTRY
from tests.simulator.releases import INCUS_HAS
from tests.unit.simulator.nas import Nas

ON = INCUS_HAS

Row = dict[str, t.Any]

WEB = "tank/.ix-virt/containers/px-web"


class Snapshots:
    """The release's own namespace."""

    def __init__(self, nas: Nas) -> None:
        self.nas = nas
        self.service = nas.release.snapshot_service

    def call(self, name: str, *params: t.Any, **details: t.Any) -> t.Any:
        return self.nas.call(f"{self.service}.{name}", *params, **details)

    def refusal(self, name: str, *params: t.Any) -> t.Any:
        return self.nas.refusal(f"{self.service}.{name}", *params)

    def labels(self) -> list[str]:
        rows = self.call("query", [["dataset", "=", WEB]], {"order_by": ["createtxg"]})
        return [row["snapshot_name"] for row in rows]


@pytest.fixture
def web(nas: Nas) -> Snapshots:
    nas.add("px-web")
    return Snapshots(nas)


def write(web: Snapshots, content: bytes) -> None:
    work = web.nas.engine.write_file("px-web", "/note", content, append=False, mode=None, uid=-1, gid=-1)
    web.nas.run(work)


def read(web: Snapshots, container: str = "px-web") -> bytes:
    content: bytes = web.nas.run(web.nas.engine.read_file(container, "/note"))
    return content


def test_each_release_has_its_own_namespace(make_nas: t.Callable[..., Nas]) -> None:
    old, new = make_nas("25.04"), make_nas("25.10")

    assert not old.has("pool.snapshot.query")
    assert not old.has("zfs.snapshot.rename")
    assert new.has("pool.snapshot.rename")
    assert new.has("zfs.snapshot.query")


def test_a_new_snapshot_is_an_event_and_a_row(web: Snapshots) -> None:
    row = web.call("create", {"dataset": WEB, "name": "base", "properties": {"my:note": "x"}})

    assert row["id"] == row["name"] == f"{WEB}@base"
    assert (row["pool"], row["dataset"], row["snapshot_name"], row["type"]) == ("tank", WEB, "base", "SNAPSHOT")
    assert isinstance(row["createtxg"], str)
    assert isinstance(row["properties"]["creation"]["parsed"], datetime.datetime)
    assert row["properties"]["referenced"]["parsed"] == web.nas.engine.used("px-web")
    assert row["properties"]["my:note"]["value"] == "x"
    assert row["properties"]["userrefs"]["parsed"] == "0"
    assert "holds" not in row
    assert web.nas.events == [(f"{web.service}.query", "added", f"{WEB}@base", row)]


def test_a_snapshot_is_taken_once(web: Snapshots) -> None:
    web.call("create", {"dataset": WEB, "name": "base"})

    error = web.refusal("create", {"dataset": WEB, "name": "base"})

    text = f"[EEXIST] Failed to snapshot {WEB}@base: cannot create snapshot '{WEB}@base': dataset already exists"
    assert (str(error), error.errno) == (text, 17)


def test_a_snapshot_needs_a_dataset(web: Snapshots) -> None:
    error = web.refusal("create", {"dataset": "tank/nope", "name": "base"})

    assert str(error) == "[EFAULT] Failed to snapshot tank/nope@base: Dataset tank/nope not found"


@pytest.mark.parametrize("label", ["a/b", "a@b", "a" * 256, "ä"])
def test_a_label_must_be_one(web: Snapshots, label: str) -> None:
    error = web.refusal("create", {"dataset": WEB, "name": label})

    assert error.triples == [("snapshot_create.name", "Invalid snapshot name", 22)]


def test_a_schema_names_by_the_time(web: Snapshots) -> None:
    row = web.call("create", {"dataset": WEB, "naming_schema": "auto-%Y"})

    assert row["snapshot_name"] == f"auto-{datetime.datetime.now().astimezone().year}"


def test_neither_or_both_names_in_the_message_of_25_04(make_nas: t.Callable[..., Nas]) -> None:
    web = Snapshots(make_nas("25.04"))
    both = {"dataset": WEB, "name": "a", "naming_schema": "b"}

    assert web.refusal("create", {"dataset": WEB}).triples == [
        ("snapshot_create.naming_schema", "You must specify either name or naming schema", 22)
    ]
    assert web.refusal("create", both).triples == [
        ("snapshot_create.naming_schema", "You can't specify name and naming schema at the same time", 22)
    ]
    assert web.refusal("create", {"name": "a"}).triples == [("snapshot_create.dataset", "attribute required", 22)]
    assert web.call("query", [["id", "=", "x"]]) == []


def test_neither_or_both_names_in_the_message_of_25_10(make_nas: t.Callable[..., Nas]) -> None:
    web = Snapshots(make_nas("25.10"))
    both = {"dataset": WEB, "name": "a", "naming_schema": "b"}

    assert web.refusal("create", {"dataset": WEB}).triples == [
        ("data.PoolSnapshotCreateWithName.name", "Field required", 22),
        ("data.PoolSnapshotCreateWithSchema.naming_schema", "Field required", 22),
    ]
    assert [text for _attribute, text, _errno in web.refusal("create", both).triples] == [
        "Extra inputs are not permitted",
        "Extra inputs are not permitted",
    ]
    assert "data.PoolSnapshotCreateWithName.suspend_vms" in str(
        web.refusal("create", {"dataset": WEB, "name": "a", "suspend_vms": False})
    )


def test_a_recursive_snapshot_leaves_out_what_is_excluded(web: Snapshots) -> None:
    for child in ("a", "b"):
        web.nas.world.storage.zfs.add(f"tank/data/{child}")

    web.call("create", {"dataset": "tank/data", "name": "n", "recursive": True, "exclude": ["tank/data/b"]})

    assert [id for id in web.nas.world.snapshots if id.endswith("@n")] == ["tank/data@n", "tank/data/a@n"]
    assert web.call("delete", "tank/data@n", {"recursive": True}) is True
    assert not any(id.endswith("@n") for id in web.nas.world.snapshots)


def test_queries_find_by_id_dataset_and_txg(web: Snapshots) -> None:
    first, second = web.nas.snapshot("px-web", "one", "two")
    txg = web.nas.world.snapshots[second].txg

    assert [row["id"] for row in web.call("query", [["id", "=", first]])] == [first]
    assert web.call("query", [["id", "=", "tank@nope"]]) == []
    assert web.labels() == ["one", "two"]
    assert [row["id"] for row in web.call("query", [], {"extra": {"min_txg": txg}})] == [second]
    assert web.call("query", [["pool", "=", "tank"]], {"count": True}) == 3
    assert web.call("query", [["dataset", "=", WEB]], {"select": ["name"]}) == [{"name": first}, {"name": second}]


def test_rows_hold_only_the_properties_asked_for(web: Snapshots) -> None:
    [base] = web.nas.snapshot("px-web", "base")

    [slow] = web.call("query", [["id", "=", base]], {"extra": {"properties": ["used", "creation"]}})
    [fast] = web.call("query", [["id", "=", base]], {"extra": {"properties": ["name", "createtxg"]}})

    assert sorted(slow["properties"]) == ["creation", "used"]
    assert "properties" not in fast


def test_a_snapshot_that_is_not_there(web: Snapshots) -> None:
    id = f"{WEB}@nope"

    missing = web.refusal("get_instance", id)

    assert isinstance(missing, InstanceNotFound)
    assert missing.triples == [(None, f"{web.nas.release.snapshot_noun} {id} does not exist", 2)]
    assert str(web.refusal("delete", id)) == f"[ENOENT] None: Snapshot {id} not found"
    assert str(web.refusal("rollback", id)).endswith(
        f"Failed to rollback snapshot: cannot open '{id}': dataset does not exist"
    )
    assert str(web.refusal("hold", id)) == f"[EFAULT] Failed to hold snapshot: Snapshot {id} not found"


def test_a_rollback_brings_the_files_back(web: Snapshots) -> None:
    write(web, b"before")
    [base] = web.nas.snapshot("px-web", "base")
    write(web, b"after")

    assert web.call("rollback", base) is None

    assert read(web) == b"before"


def test_a_rollback_past_newer_snapshots_must_be_meant(web: Snapshots) -> None:
    first, second = web.nas.snapshot("px-web", "one", "two")

    error = web.refusal("rollback", first)

    assert isinstance(error, CallError)
    assert str(error) == (
        f"[EFAULT] Failed to rollback snapshot: cannot rollback to '{first}': "
        "more recent snapshots or bookmarks exist\n"
        f"use '-r' to force deletion of the following snapshots and bookmarks:\n{second}"
    )
    web.call("rollback", first, {"recursive": True})
    assert web.labels() == ["one"]


def test_a_clone_becomes_a_container_and_holds_its_origin(web: Snapshots) -> None:
    write(web, b"cloned")
    [base] = web.nas.snapshot("px-web", "base")
    web.nas.add("px-copy", "STOPPED")
    copy = "tank/.ix-virt/containers/px-copy"
    create = {"snapshot": base, "dataset_dst": copy}
    assert "dataset already exists" in str(web.refusal("clone", create))
    web.nas.call("zfs.dataset.delete", copy, {"recursive": True})

    assert web.call("clone", create) is True

    assert read(web, "px-copy") == b"cloned"
    web.nas.call("virt.instance.start", "px-copy")
    error = web.refusal("delete", base)
    text = f"Please set this attribute as '{base}' snapshot has dependent clones: {copy}"
    assert error.triples == [("options.defer", text, 22)]
    assert str(web.refusal("delete", base, {"recursive": True})) == (
        f"[EFAULT] cannot destroy snapshot {base}: snapshot is cloned"
    )
    row = web.call("get_instance", base)
    assert row["properties"]["clones"]["value"] == copy
    assert web.call("delete", base, {"defer": True}) is True
    assert web.call("get_instance", base)["properties"]["defer_destroy"]["value"] == "on"


def test_clones_need_a_source_and_a_parent(web: Snapshots) -> None:
    [base] = web.nas.snapshot("px-web", "base")

    assert str(web.refusal("clone", {"snapshot": "tank@no", "dataset_dst": "tank/x"})) == (
        "[EFAULT] Failed to clone snapshot: Snapshot tank@no not found"
    )
    assert "parent does not exist" in str(web.refusal("clone", {"snapshot": base, "dataset_dst": "tank/no/x"}))


def test_a_hold_keeps_a_snapshot_until_it_is_released(web: Snapshots) -> None:
    [base] = web.nas.snapshot("px-web", "base")

    assert web.call("hold", base) is None

    holds = web.call("get_instance", base, {"extra": {"holds": True}})["holds"]
    assert list(holds) == ["truenas"]
    assert f"cannot hold snapshot '{base}': tag already exists on this dataset" in str(web.refusal("hold", base))
    assert str(web.refusal("delete", base)) == f"[EFAULT] cannot destroy '{base}': dataset is busy"
    assert f"Run 'zfs holds -r {base}' to see holders." in str(web.refusal("delete", base, {"recursive": True}))
    assert web.call("release", base) is None
    assert web.call("release", base) is None
    assert web.call("delete", base) is True
    assert web.nas.events[-1][:3] == (f"{web.service}.query", "removed", base)


def test_user_properties_change_by_the_method_of_the_release(web: Snapshots) -> None:
    [base] = web.nas.snapshot("px-web", "base")
    added = {"user_properties_update": [{"key": "my:a", "value": "1"}, {"key": "my:b", "value": "2"}]}
    removal: Row = {"user_properties_update": [{"key": "my:a", "remove": True}]}
    if web.service == "pool.snapshot":
        removal = {"user_properties_remove": ["my:a"]}

    web.call("update", base, added)
    row = web.call("update", base, removal)

    assert "my:a" not in row["properties"]
    assert row["properties"]["my:b"]["source"] == "LOCAL"


def test_a_rename_asks_for_force_and_stays_in_its_dataset(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas("25.10")
    nas.add("px-web")
    web = Snapshots(nas)
    write(web, b"before")
    [base] = nas.snapshot("px-web", "base")
    write(web, b"after")

    careless = web.refusal("rename", base, {"new_name": f"{WEB}@first"})
    assert careless.triples[0][0] == "pool.snapshot.rename.force"
    astray = web.refusal("rename", base, {"new_name": "tank@first", "force": True})
    assert astray.triples[0][:2] == (
        "pool.snapshot.rename.new_name",
        "Old and new snapshot must be part of the same ZFS dataset",
    )

    assert web.call("rename", base, {"new_name": f"{WEB}@first", "force": True}) is None

    assert web.labels() == ["first"]
    web.call("rollback", f"{WEB}@first")
    assert read(web) == b"before"


def test_zfs_snapshot_is_private_on_25_10_and_does_the_same(make_nas: t.Callable[..., Nas]) -> None:
    nas = make_nas("25.10")
    nas.add("px-web")

    nas.call("zfs.snapshot.create", {"dataset": WEB, "name": "base"})

    assert [row["snapshot_name"] for row in nas.call("zfs.snapshot.query", [["dataset", "=", WEB]])] == ["base"]
    assert nas.call("zfs.snapshot.delete", f"{WEB}@base") is True


def test_roles_of_the_actions_differ() -> None:
    def roles(release: str, name: str) -> tuple[str, ...]:
        found = REGISTRY.find(release, name)
        assert found is not None
        return found.roles

    for name in ("clone", "rollback", "hold", "release"):
        assert roles("25.04", f"zfs.snapshot.{name}") == ()
    assert roles("25.10", "pool.snapshot.clone") == ("SNAPSHOT_WRITE", "DATASET_WRITE")
    assert roles("25.10", "pool.snapshot.rollback") == ("SNAPSHOT_WRITE", "POOL_WRITE")
    assert roles("25.10", "pool.snapshot.delete") == ("SNAPSHOT_DELETE",)
    assert roles("25.10", "zfs.snapshot.delete") == ()
    assert roles("25.10", "virt.instance.device_delete") == ("VIRT_INSTANCE_DELETE",)
