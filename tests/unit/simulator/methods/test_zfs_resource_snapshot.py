# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of zfs.resource.snapshot.* of TrueNAS 26."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator.errors import GenericError
from tests.simulator.releases import HALFMOON_BETA
from tests.unit.simulator.nas import Nas

ON = (HALFMOON_BETA.name,)
"""RC.1 protects the snapshots of containers: tests/unit/simulator/test_zfs_resource.py."""

WEB = "tank/.truenas_containers/containers/px-web"
SERVICE = "zfs.resource.snapshot"


@pytest.fixture
def web(nas: Nas) -> Nas:
    nas.add("px-web", "STOPPED")
    return nas


def call(nas: Nas, name: str, data: dict[str, t.Any]) -> t.Any:
    return nas.call(f"{SERVICE}.{name}", data)


def refused(nas: Nas, name: str, data: dict[str, t.Any]) -> tuple[str, int]:
    """The text and the number of what is wrong with the call."""
    [(attribute, text, number)] = nas.refusal(f"{SERVICE}.{name}", data).triples
    assert attribute == f"{SERVICE}.{name}"
    return text, number


def test_a_new_snapshot_is_a_row_and_no_event(web: Nas) -> None:
    row = call(web, "create", {"dataset": WEB, "name": "base", "user_properties": {"my:note": "x"}})

    assert row["properties"]["createtxg"] == {"raw": str(row["createtxg"]), "source": None, "value": row["createtxg"]}
    assert (row["name"], row["snapshot_name"], row["type"]) == (f"{WEB}@base", "base", "SNAPSHOT")
    assert (row["holds"], row["user_properties"]) == (None, None)
    assert web.world.snapshots[f"{WEB}@base"].properties == {"my:note": "x"}
    assert web.events == []


def test_rows_hold_what_was_asked_for(web: Nas) -> None:
    [base] = web.snapshot("px-web", "base")
    call(web, "hold", {"path": base, "tag": "mine"})
    wanted = {"properties": ["used"], "get_holds": True, "get_user_properties": True}

    [bare] = call(web, "query", {"paths": [WEB]})
    [full] = call(web, "query", {"paths": [base], **wanted})

    assert (bare["properties"], bare["holds"], bare["user_properties"]) == (None, None, None)
    assert (full["properties"].keys(), full["holds"], full["user_properties"]) == ({"used"}, ["mine"], {})


def test_without_a_path_only_the_pools_own_are_found_unless_recursively(web: Nas) -> None:
    [base] = web.snapshot("px-web", "base")

    assert call(web, "query", {}) == []
    everything = call(web, "query", {"recursive": True})
    assert base in [row["name"] for row in everything]
    assert call(web, "count", {"paths": [WEB]}) == {WEB: 1}


@pytest.mark.parametrize(
    ("name", "data", "missing"),
    [
        ("query", {"paths": ["tank/a"]}, "tank/a"),
        ("query", {"paths": [f"{WEB}@nope"]}, f"{WEB}@nope"),
        ("count", {"paths": ["tank/a"]}, "tank/a"),
        ("holds", {"path": f"{WEB}@nope"}, f"{WEB}@nope"),
        ("create", {"dataset": "tank/a", "name": "base"}, "tank/a"),
        ("destroy", {"path": f"{WEB}@nope"}, f"{WEB}@nope"),
        ("rename", {"current_name": f"{WEB}@nope", "new_name": f"{WEB}@new"}, f"{WEB}@nope"),
        ("clone", {"snapshot": f"{WEB}@nope", "dataset": "tank/b"}, f"{WEB}@nope"),
        ("rollback", {"path": f"{WEB}@nope"}, f"{WEB}@nope"),
        ("hold", {"path": f"{WEB}@nope"}, f"{WEB}@nope"),
        ("release", {"path": f"{WEB}@nope"}, f"{WEB}@nope"),
    ],
)
def test_what_is_not_there_is_reported_as_such(web: Nas, name: str, data: dict[str, t.Any], missing: str) -> None:
    assert refused(web, name, data) == (f"'{missing}' not found", 2)


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("create", {"dataset": WEB, "name": "a@b"}, "name must be a snapshot name (not containing '@')."),
        ("create", {"dataset": f"{WEB}@a", "name": "b"}, "dataset must be a dataset path (not containing '@')."),
        (
            "destroy",
            {"path": WEB},
            (
                "Path must be a snapshot path (containing '@'). "
                "Use all_snapshots=True to destroy all snapshots for a dataset."
            ),
        ),
        ("clone", {"snapshot": WEB, "dataset": "tank/b"}, "snapshot must be a snapshot path (containing '@')."),
        ("rollback", {"path": WEB}, "path must be a snapshot path (containing '@')."),
        ("hold", {"path": WEB}, "path must be a snapshot path (containing '@')."),
        (
            "rename",
            {"current_name": f"{WEB}@a", "new_name": "tank@a"},
            f"Cannot rename snapshot to a different dataset. Dataset must remain '{WEB}'.",
        ),
    ],
)
def test_a_name_of_the_wrong_form(web: Nas, name: str, data: dict[str, t.Any], text: str) -> None:
    assert refused(web, name, data) == (text, 22)


def test_what_exists_is_not_made_again(web: Nas) -> None:
    base, other = web.snapshot("px-web", "base", "other")
    call(web, "clone", {"snapshot": base, "dataset": "tank/copy"})

    assert refused(web, "create", {"dataset": WEB, "name": "base"}) == (f"'{base}' already exists", 17)
    assert refused(web, "rename", {"current_name": other, "new_name": base}) == (f"'{base}' already exists", 17)
    assert refused(web, "clone", {"snapshot": base, "dataset": "tank/copy"}) == ("'tank/copy' already exists", 17)


def test_a_recursive_snapshot_leaves_out_what_is_excluded(web: Nas) -> None:
    web.world.storage.zfs.add("tank/data")

    call(web, "create", {"dataset": "tank", "name": "all", "recursive": True, "exclude": ["tank/data"]})

    assert f"{WEB}@all" in web.world.snapshots
    assert "tank/data@all" not in web.world.snapshots


def test_a_snapshot_is_renamed_in_its_dataset(web: Nas) -> None:
    [base] = web.snapshot("px-web", "base")

    assert call(web, "rename", {"current_name": base, "new_name": f"{WEB}@new"}) is None

    assert f"{WEB}@new" in web.world.snapshots
    assert base not in web.world.snapshots


def test_a_rollback_past_newer_snapshots_must_be_meant(web: Nas) -> None:
    base, newer = web.snapshot("px-web", "base", "newer")

    text, number = refused(web, "rollback", {"path": base})
    call(web, "rollback", {"path": base, "recursive": True})

    assert text.endswith(f"recursively:\n  {newer}")
    assert number == 22
    assert newer not in web.world.snapshots


def test_a_rollback_past_a_clone_is_an_uncaught_error(web: Nas) -> None:
    base, newer = web.snapshot("px-web", "base", "newer")
    call(web, "clone", {"snapshot": newer, "dataset": "tank/copy"})

    error = web.refusal(f"{SERVICE}.rollback", {"path": base, "recursive": True})

    assert isinstance(error, GenericError)
    assert newer in web.world.snapshots


def test_a_clone_or_a_hold_keeps_its_snapshot(web: Nas) -> None:
    cloned, held = web.snapshot("px-web", "cloned", "held")
    call(web, "clone", {"snapshot": cloned, "dataset": "tank/copy"})
    call(web, "hold", {"path": held})

    assert refused(web, "destroy", {"path": cloned}) == (f"'{cloned}' has the following clones: tank/copy", 16)
    assert refused(web, "destroy", {"path": held}) == (f"'{held}' has the following holds: truenas", 16)
    call(web, "release", {"path": held})
    assert call(web, "destroy", {"path": held}) is None


def test_one_tag_is_released_or_all(web: Nas) -> None:
    [base] = web.snapshot("px-web", "base")
    for tag in ("one", "two", "three"):
        call(web, "hold", {"path": base, "tag": tag})

    call(web, "release", {"path": base, "tag": "two"})
    left = call(web, "holds", {"path": base})
    call(web, "release", {"path": base})

    assert left == ["one", "three"]
    assert call(web, "holds", {"path": base}) == []


def test_all_snapshots_of_a_dataset_go_together(web: Nas) -> None:
    web.snapshot("px-web", "one", "two")

    call(web, "destroy", {"path": WEB, "all_snapshots": True})

    assert web.world.storage.zfs.of(WEB) == []
    assert web.call("container.delete", 1) is None
