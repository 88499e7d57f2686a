# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the release candidate of TrueNAS 26 protects the datasets of containers, as far as it does."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from tests.unit.simulator.nas import Nas

WEB = "tank/.truenas_containers/containers/px-web"
SERVICE = "zfs.resource.snapshot"


@pytest.fixture
def nas(tmp_path: Path) -> t.Iterator[Nas]:
    made = Nas(tmp_path, "26")
    made.add("px-web", "STOPPED")
    made.snapshot("px-web", "old")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("method", "arguments", "reported"),
    [
        (f"{SERVICE}.create", [{"dataset": WEB, "name": "new"}], "create"),
        (f"{SERVICE}.destroy", [{"path": f"{WEB}@old"}], "destroy"),
        (f"{SERVICE}.destroy", [{"path": WEB, "all_snapshots": True}], "destroy"),
        (f"{SERVICE}.rename", [{"current_name": f"{WEB}@old", "new_name": f"{WEB}@new"}], "rename"),
        (f"{SERVICE}.clone", [{"snapshot": f"{WEB}@old", "dataset": "tank/copy"}], "clone"),
        (f"{SERVICE}.rollback", [{"path": f"{WEB}@old"}], "rollback"),
        (f"{SERVICE}.hold", [{"path": f"{WEB}@old"}], "hold"),
        (f"{SERVICE}.release", [{"path": f"{WEB}@old"}], "release"),
        ("pool.snapshot.create", [{"dataset": WEB, "name": "new"}], "create"),
        ("pool.snapshot.delete", [f"{WEB}@old"], "destroy"),
        ("pool.snapshot.clone", [{"snapshot": f"{WEB}@old", "dataset_dst": "tank/copy"}], "clone"),
        ("pool.snapshot.rollback", [f"{WEB}@old"], "rollback"),
        ("pool.snapshot.hold", [f"{WEB}@old"], "hold"),
        ("pool.snapshot.release", [f"{WEB}@old"], "release"),
    ],
)
def test_snapshots_of_containers_are_protected_by_either_api(
    nas: Nas, method: str, arguments: list[t.Any], reported: str
) -> None:
    before = dict(nas.world.snapshots)

    error = nas.refusal(method, *arguments)

    assert error.triples == [(f"{SERVICE}.{reported}", f"{WEB!r} is a protected path.", 13)]
    assert nas.world.snapshots == before


def test_their_datasets_are_protected_as_well(nas: Nas) -> None:
    error = nas.refusal("zfs.resource.destroy", {"path": WEB, "recursive": True})

    assert error.triples == [("zfs.resource.destroy", f"{WEB!r} is a protected path.", 13)]


def test_only_a_listing_that_names_them_shows_them(nas: Nas) -> None:
    old = f"{WEB}@old"
    every = {"paths": ["tank"], "get_children": True, "properties": None}

    unnamed = [
        *(row["name"] for row in nas.call("zfs.resource.query", every)),
        *(row["name"] for row in nas.call(f"{SERVICE}.query", {"paths": ["tank"], "recursive": True})),
        *nas.call(f"{SERVICE}.count", {"paths": ["tank"], "recursive": True}),
        *(row["id"] for row in nas.call("pool.snapshot.query")),
    ]
    named = [
        *(row["name"] for row in nas.call("zfs.resource.query", {"paths": [WEB], "properties": None})),
        *(row["name"] for row in nas.call(f"{SERVICE}.query", {"paths": [WEB]})),
        *nas.call(f"{SERVICE}.count", {"paths": [WEB]}),
        *(row["id"] for row in nas.call("pool.snapshot.query", [["dataset", "=", WEB]])),
        *(row["id"] for row in nas.call("pool.snapshot.query", [["id", "in", [old]]])),
    ]

    assert not [name for name in unnamed if ".truenas_containers" in name]
    assert named == [WEB, old, WEB, old, old]


def test_a_recursive_snapshot_of_the_pool_includes_them(nas: Nas) -> None:
    """Only the dataset that is named is checked; the same is assumed of everything recursive."""
    nas.call("pool.snapshot.create", {"dataset": "tank", "name": "all", "recursive": True})

    assert f"{WEB}@all" in nas.world.snapshots
