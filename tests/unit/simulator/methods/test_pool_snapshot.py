# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of pool.snapshot.* on TrueNAS 26."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from tests.simulator.errors import GenericError, InstanceNotFound, ValidationError
from tests.simulator.registry import REGISTRY
from tests.simulator.releases import HALFMOON_BETA
from tests.unit.simulator.nas import Nas

ON = (HALFMOON_BETA.name,)
"""RC.1 protects the snapshots of containers: tests/unit/simulator/test_zfs_resource.py."""

WEB = "tank/.truenas_containers/containers/px-web"


@pytest.fixture
def web(nas: Nas) -> Nas:
    nas.add("px-web", "STOPPED")
    return nas


def write(nas: Nas, content: bytes) -> None:
    nas.run(nas.engine.write_file("px-web", "/note", content, append=False, mode=None, uid=-1, gid=-1))


def read(nas: Nas, container: str = "px-web") -> bytes:
    content: bytes = nas.run(nas.engine.read_file(container, "/note"))
    return content


def test_a_new_snapshot_is_an_event_and_a_row(web: Nas) -> None:
    row = web.call("pool.snapshot.create", {"dataset": WEB, "name": "base"})

    number = {
        "value": row["createtxg"],
        "rawvalue": row["createtxg"],
        "source": "NONE",
        "parsed": int(row["createtxg"]),
    }
    assert row["properties"].keys() == {"createtxg", "creation"}
    assert row["properties"]["createtxg"] == number
    assert isinstance(row["properties"]["creation"]["parsed"], int)
    assert (row["id"], row["snapshot_name"], row["dataset"]) == (f"{WEB}@base", "base", WEB)
    assert "holds" not in row
    assert web.events == [("pool.snapshot.query", "added", f"{WEB}@base", row)]


def test_a_schema_names_by_the_time(web: Nas) -> None:
    row = web.call("pool.snapshot.create", {"dataset": WEB, "naming_schema": "auto-%Y"})

    assert row["snapshot_name"] == f"auto-{datetime.datetime.now().astimezone().year}"


def test_rows_hold_what_was_asked_for(web: Nas) -> None:
    [base] = web.snapshot("px-web", "base")
    web.call("pool.snapshot.hold", base)

    [bare] = web.call("pool.snapshot.query", [["dataset", "=", WEB]])
    [full] = web.call(
        "pool.snapshot.query", [["id", "=", base]], {"extra": {"holds": True, "properties": ["creation"]}}
    )

    assert bare["properties"] == {}
    assert "holds" not in bare
    assert full["properties"].keys() == {"creation"}
    assert full["holds"] == {"truenas": 1}


def test_an_unknown_id_finds_nothing(web: Nas) -> None:
    assert web.call("pool.snapshot.query", [["id", "=", f"{WEB}@nope"]]) == []
    error = web.refusal("pool.snapshot.get_instance", f"{WEB}@nope")
    assert isinstance(error, InstanceNotFound)


def test_a_snapshot_is_taken_once(web: Nas) -> None:
    web.snapshot("px-web", "base")

    error = web.refusal("pool.snapshot.create", {"dataset": WEB, "name": "base"})

    assert error.triples == [("pool.snapshot.create", "base already exists.", 17)]


@pytest.mark.parametrize(
    ("name", "arguments", "missing"),
    [
        ("create", ({"dataset": "tank/a", "name": "base"},), "tank/a"),
        ("rollback", (f"{WEB}@nope",), f"{WEB}@nope"),
        ("clone", ({"snapshot": f"{WEB}@nope", "dataset_dst": "tank/b"},), f"{WEB}@nope"),
        ("hold", (f"{WEB}@nope",), f"{WEB}@nope"),
        ("release", (f"{WEB}@nope",), f"{WEB}@nope"),
    ],
)
def test_what_is_not_there_is_an_uncaught_error(
    web: Nas, name: str, arguments: tuple[t.Any, ...], missing: str
) -> None:
    error = web.refusal(f"pool.snapshot.{name}", *arguments)

    assert isinstance(error, GenericError)
    assert str(error) == f"'{missing}' not found"


def test_deleting_what_is_not_there_is_reported_as_such(web: Nas) -> None:
    missing = web.refusal("pool.snapshot.delete", f"{WEB}@nope")
    wrong = web.refusal("pool.snapshot.delete", WEB)

    assert missing.triples == [(None, f"Snapshot {WEB}@nope not found", 2)]
    assert wrong.triples[0][1] == f"Invalid snapshot name: '{WEB}'"


def test_a_rollback_brings_the_files_back(web: Nas) -> None:
    write(web, b"old")
    [base] = web.snapshot("px-web", "base")
    write(web, b"new")

    assert web.call("pool.snapshot.rollback", base) is None

    assert read(web) == b"old"


def test_a_rollback_past_newer_snapshots_names_the_oldest_first(web: Nas) -> None:
    base, *newer = web.snapshot("px-web", "base", "one", "two")

    error = web.refusal("pool.snapshot.rollback", base)
    web.call("pool.snapshot.rollback", base, {"recursive": True})

    assert isinstance(error, GenericError)
    assert str(error) == (
        "Cannot rollback: more recent snapshots or bookmarks exist. Please pass `recursive: true` to delete the "
        f"following snapshots and bookmarks recursively:\n  {newer[0]}\n  {newer[1]}"
    )
    assert [each.label for each in web.world.storage.zfs.of(WEB)] == ["base"]


def test_a_rollback_past_a_clone_is_an_uncaught_error(web: Nas) -> None:
    base, newer = web.snapshot("px-web", "base", "newer")
    web.call("pool.snapshot.clone", {"snapshot": newer, "dataset_dst": "tank/copy"})

    error = web.refusal("pool.snapshot.rollback", base, {"recursive": True})
    web.call("pool.snapshot.rollback", base, {"recursive": True, "recursive_clones": True})

    assert isinstance(error, GenericError)
    assert not web.world.storage.zfs.exists("tank/copy")


def test_a_running_container_is_rolled_back_as_well(web: Nas) -> None:
    write(web, b"old")
    [base] = web.snapshot("px-web", "base")
    web.call("container.start", 1)
    write(web, b"new")

    web.call("pool.snapshot.rollback", base)

    assert (read(web), web.world.containers["px-web"].status) == (b"old", "RUNNING")


def test_a_clone_is_mounted_and_no_container(web: Nas) -> None:
    write(web, b"x")
    [base] = web.snapshot("px-web", "base")
    copy = "tank/.truenas_containers/containers/px-copy"

    assert web.call("pool.snapshot.clone", {"snapshot": base, "dataset_dst": copy}) is True
    assert web.call("pool.snapshot.clone", {"snapshot": base, "dataset_dst": "tank/copy"}) is True

    assert web.call("filesystem.stat", "/mnt/.truenas_containers/tank/containers/px-copy/note")["size"] == 1
    assert web.call("filesystem.stat", "/mnt/tank/copy/note")["size"] == 1
    assert web.call("container.query", [["name", "=", "px-copy"]]) == []
    again = web.refusal("pool.snapshot.clone", {"snapshot": base, "dataset_dst": copy})
    assert (str(again), type(again)) == (f"'{copy}' already exists", GenericError)


def test_a_clone_or_a_hold_keeps_its_snapshot(web: Nas) -> None:
    cloned, held = web.snapshot("px-web", "cloned", "held")
    web.call("pool.snapshot.clone", {"snapshot": cloned, "dataset_dst": "tank/copy"})
    web.call("pool.snapshot.hold", held)

    errors = [web.refusal("pool.snapshot.delete", id) for id in (cloned, held)]
    web.call("pool.snapshot.release", held)

    assert [error.triples for error in errors] == [
        [("zfs.resource.snapshot.destroy", f"'{cloned}' has the following clones: tank/copy", 16)],
        [("zfs.resource.snapshot.destroy", f"'{held}' has the following holds: truenas", 16)],
    ]
    assert web.call("pool.snapshot.delete", held) is True
    assert web.call("pool.snapshot.delete", cloned, {"defer": True}) is True
    assert web.world.snapshots[cloned].deferred


def test_a_snapshot_cannot_be_renamed_here(web: Nas) -> None:
    [base] = web.snapshot("px-web", "base")

    error = web.refusal("pool.snapshot.rename", base, {"new_name": f"{WEB}@new", "force": True})

    assert isinstance(error, ValidationError)
    assert error.triples == [("zfs.resource.rename", "Use `zfs.resource.snapshot.rename` to rename snapshots.", 22)]
    assert base in web.world.snapshots


def test_an_update_does_nothing_and_says_nothing(web: Nas) -> None:
    [base] = web.snapshot("px-web", "base")
    change = {"user_properties_update": [{"key": "my:note", "value": "x"}]}

    assert web.call("pool.snapshot.update", base, change) is None

    assert web.world.snapshots[base].properties == {}


def test_roles_are_those_of_25_10() -> None:
    old, new = REGISTRY.methods["25.10"], REGISTRY.methods["26"]

    for name in ("query", "create", "delete", "rollback", "clone", "hold", "release", "rename", "update"):
        assert new[f"pool.snapshot.{name}"].roles == old[f"pool.snapshot.{name}"].roles
