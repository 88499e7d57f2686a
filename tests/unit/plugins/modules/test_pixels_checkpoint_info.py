# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of listing the checkpoints of a pixel."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.pixels.truenas.plugins.modules import pixels_checkpoint_info

WEB = "tank/.ix-virt/containers/px-web"


@pytest.fixture
def listed(run):
    def run_module(name="web", **params):
        return run(pixels_checkpoint_info, name=name, **params)

    return run_module


def test_lists_them_from_the_oldest_to_the_newest(listed, truenas):
    truenas.world.add_container("px-web")
    for label in ("zulu", "alpha", "mike"):
        truenas.world.add_snapshot("px-web", label)

    found = listed()["checkpoints"]

    assert [(each["order"], each["label"]) for each in found] == [(1, "zulu"), (2, "alpha"), (3, "mike")]


def test_says_when_it_was_taken_and_not_in_which_transaction(listed, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_snapshot("px-web", "ready").created = datetime.datetime(
        2026, 1, 31, 23, 59, 59, tzinfo=datetime.UTC
    )

    assert listed()["checkpoints"][0]["created"] == "2026-01-31T23:59:59Z"


def test_reports_its_own_size_and_the_size_of_its_contents(listed, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_snapshot("px-web", "ready").referenced = 516 * 1024 * 1024

    [found] = listed()["checkpoints"]

    assert (found["used"], found["referenced"]) == (0, 516 * 1024 * 1024)


def test_names_clones_and_holds(listed, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_snapshot("px-web", "ready")
    copy = "tank/.ix-virt/containers/px-copy"
    truenas.world.run(truenas.world.storage.clone(f"{WEB}@ready", copy))
    truenas.world.storage.hold(f"{WEB}@ready")

    [found] = listed()["checkpoints"]

    assert found["clones"] == [{"name": "copy", "dataset": copy}]
    assert found["holds"] == ["truenas"]
    assert found["purpose"] is None


def test_looks_on_the_pixels_own_pool(listed, truenas):
    truenas.world.add_container("px-web", storage_pool="fast")
    truenas.world.add_snapshot("px-web", "ready")

    assert listed()["checkpoints"][0]["snapshot"] == "fast/.ix-virt/containers/px-web@ready"


def test_never_makes_the_nas_list_all_its_snapshots(listed, truenas):
    truenas.world.add_container("px-web")
    for label in ("one", "two"):
        truenas.world.add_snapshot("px-web", label)

    listed()

    service = truenas.world.release.snapshot_service
    # The API, the names, and each snapshot by its ID: only these calls are fast on a NAS with many snapshots.
    assert truenas.stats.calls[f"{service}.query"] <= 1 + 1 + 2


def test_a_pixel_that_is_not_there_is_an_error(listed, truenas):
    assert "there is no pixel named web" in listed()["msg"]


def test_check_mode_reads_as_well(listed, truenas):
    truenas.world.add_container("px-web")
    truenas.world.add_snapshot("px-web", "ready")

    assert listed(check_mode=True) == listed()
