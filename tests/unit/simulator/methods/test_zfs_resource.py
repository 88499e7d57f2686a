# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of datasets as zfs.resource.* of TrueNAS 26 shows and destroys them."""

from __future__ import annotations

import pytest

from tests.simulator.releases import HALFMOON_BETA, LIBVIRT_HAS
from tests.unit.simulator.nas import Nas

ON = LIBVIRT_HAS
on_beta = pytest.mark.parametrize("nas", [HALFMOON_BETA.name], indirect=True)

WEB = "tank/.truenas_containers/containers/px-web"


@pytest.fixture
def web(nas: Nas) -> Nas:
    nas.add("px-web", "STOPPED")
    return nas


def test_a_containers_dataset_says_where_it_is_and_what_it_was_cloned_from(web: Nas) -> None:
    [row] = web.call("zfs.resource.query", {"paths": [WEB], "properties": ["mountpoint", "origin"]})

    image = "tank/.truenas_containers/images/ubuntu:noble:amd64:default:20250601_05:24@image"
    assert (row["name"], row["pool"], row["type"]) == (WEB, "tank", "FILESYSTEM")
    assert {name: each["value"] for name, each in row["properties"].items()} == {
        "mountpoint": "/mnt/.truenas_containers/tank/containers/px-web",
        "origin": image,
    }


@on_beta
def test_datasets_of_containers_are_found_where_pool_dataset_hides_them(web: Nas) -> None:
    found = web.call("zfs.resource.query", {"paths": ["tank"], "get_children": True, "properties": None})

    assert WEB in [row["name"] for row in found]
    assert {row["properties"] for row in found} == {None}
    assert [row["id"] for row in web.call("pool.dataset.query")] == ["tank", "fast"]
    assert [row["name"] for row in web.call("zfs.resource.query")] == ["tank", "fast"]


def test_what_is_not_there_is_not_found(web: Nas) -> None:
    error = web.refusal("zfs.resource.query", {"paths": ["tank/nope"]})

    assert error.triples == [("zfs.resource.query", "'tank/nope' not found", 2)]


@on_beta
def test_a_dataset_with_snapshots_goes_with_everything_or_not_at_all(web: Nas) -> None:
    [base] = web.snapshot("px-web", "base")
    web.call("pool.snapshot.hold", base)
    web.call("pool.snapshot.clone", {"snapshot": base, "dataset_dst": "tank/copy"})

    error = web.refusal("zfs.resource.destroy", {"path": WEB})
    web.call("zfs.resource.destroy", {"path": WEB, "recursive": True})

    assert error.triples == [("zfs.resource.destroy", f"'{WEB}' has snapshots. Set recursive=True to remove them.", 39)]
    assert not web.world.storage.zfs.exists(WEB)
    assert not web.world.storage.zfs.exists("tank/copy")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("tank", "Destroying the root filesystem is not allowed."),
        ("/tank/data", "Absolute path is invalid. Must be in form of <pool>/<resource>."),
        ("tank/data/", "Path must not end with a forward-slash."),
        ("tank/data@a", "Use `zfs.resource.snapshot.destroy` to destroy snapshots."),
    ],
)
def test_what_is_no_dataset_below_a_pool_stays(web: Nas, path: str, text: str) -> None:
    assert web.refusal("zfs.resource.destroy", {"path": path}).triples == [("zfs.resource.destroy", text, 22)]


@on_beta
def test_a_missing_dataset_is_reported_after_its_container_is_gone(web: Nas) -> None:
    web.call("zfs.resource.destroy", {"path": WEB})

    error = web.refusal("container.delete", 1)

    assert error.triples == [("zfs.resource.query", f"'{WEB}' not found", 2)]
    assert web.world.containers == {}
