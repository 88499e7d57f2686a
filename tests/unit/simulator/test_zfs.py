# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of ZFS' own rules about datasets and snapshots."""

from __future__ import annotations

import pytest

from tests.simulator.zfs import Zfs, ZfsError

WEB = "tank/web"


@pytest.fixture
def zfs() -> Zfs:
    zfs = Zfs()
    zfs.add(WEB)
    for label in ("one", "two", "three"):
        zfs.take(WEB, label, properties={})
    return zfs


def labels(zfs: Zfs, dataset: str = WEB) -> list[str]:
    return [snapshot.label for snapshot in zfs.of(dataset)]


def test_snapshots_are_in_the_order_they_were_taken(zfs: Zfs) -> None:
    txgs = [snapshot.txg for snapshot in zfs.of(WEB)]

    assert labels(zfs) == ["one", "two", "three"]
    assert txgs == sorted(set(txgs))


def test_a_label_can_be_taken_once(zfs: Zfs) -> None:
    with pytest.raises(ZfsError, match="cannot create snapshot 'tank/web@one': dataset already exists") as caught:
        zfs.take(WEB, "one", properties={})

    assert caught.value.exists


def test_a_recursive_snapshot_is_all_or_nothing(zfs: Zfs) -> None:
    zfs.add("tank/web/child")

    with pytest.raises(ZfsError):
        zfs.take(WEB, "one", recursive=True, properties={})
    assert labels(zfs, "tank/web/child") == []

    taken = zfs.take(WEB, "four", recursive=True, properties={})
    assert len({snapshot.txg for snapshot in taken}) == 1


def test_rolling_back_past_newer_snapshots_is_refused_with_their_names(zfs: Zfs) -> None:
    with pytest.raises(ZfsError) as caught:
        zfs.rollback("tank/web@one")

    assert str(caught.value) == (
        "cannot rollback to 'tank/web@one': more recent snapshots or bookmarks exist\n"
        "use '-r' to force deletion of the following snapshots and bookmarks:\n"
        "tank/web@two\ntank/web@three"
    )
    assert labels(zfs) == ["one", "two", "three"]


def test_rolling_back_to_the_newest_loses_nothing(zfs: Zfs) -> None:
    assert zfs.rollback("tank/web@three").snapshots == []


def test_a_forced_rollback_destroys_what_is_newer(zfs: Zfs) -> None:
    lost = zfs.rollback("tank/web@one", newer=True)

    assert [snapshot.label for snapshot in lost.snapshots] == ["three", "two"]
    assert labels(zfs) == ["one"]


def test_a_rollback_does_not_destroy_clones_without_both_options(zfs: Zfs) -> None:
    zfs.clone("tank/web@two", "tank/copy", {})

    with pytest.raises(ZfsError, match="clones of previous snapshots exist\nuse '-R'"):
        zfs.rollback("tank/web@one", newer=True)

    assert zfs.rollback("tank/web@one", newer=True, clones=True).datasets == ["tank/copy"]
    assert not zfs.exists("tank/copy")


def test_a_clone_holds_its_origin(zfs: Zfs) -> None:
    zfs.clone("tank/web@one", "tank/copy", {})

    with pytest.raises(ZfsError, match="snapshot is cloned") as caught:
        zfs.drop("tank/web@one")

    assert caught.value.clones == ("tank/copy",)


def test_a_deferred_snapshot_goes_with_its_last_clone(zfs: Zfs) -> None:
    zfs.clone("tank/web@one", "tank/copy", {})

    assert zfs.drop("tank/web@one", defer=True) == []
    assert zfs.snapshots["tank/web@one"].deferred

    zfs.destroy("tank/copy")
    assert labels(zfs) == ["two", "three"]


def test_a_held_snapshot_is_busy_until_it_is_released(zfs: Zfs) -> None:
    zfs.hold("tank/web@one", "truenas", 1)

    with pytest.raises(ZfsError, match="cannot destroy 'tank/web@one': dataset is busy"):
        zfs.drop("tank/web@one")
    with pytest.raises(ZfsError, match="dataset is busy"):
        zfs.destroy(WEB, recursive=True)
    with pytest.raises(ZfsError, match="tag already exists on this dataset"):
        zfs.hold("tank/web@one", "truenas", 1)

    zfs.release("tank/web@one")
    zfs.release("tank/web@one")
    zfs.drop("tank/web@one")


def test_a_held_snapshot_stops_a_forced_rollback(zfs: Zfs) -> None:
    zfs.hold("tank/web@three", "truenas", 1)

    with pytest.raises(ZfsError, match="dataset is busy"):
        zfs.rollback("tank/web@one", newer=True)

    assert labels(zfs) == ["one", "two", "three"]


def test_a_deferred_snapshot_goes_as_it_is_released(zfs: Zfs) -> None:
    zfs.hold("tank/web@one", "truenas", 1)
    zfs.drop("tank/web@one", defer=True)

    assert [snapshot.label for snapshot in zfs.release("tank/web@one")] == ["one"]


@pytest.mark.parametrize(
    ("source", "target", "text"),
    [
        ("tank/web@gone", "tank/copy", "Snapshot tank/web@gone not found"),
        ("tank/web@one", "tank/web", "cannot create 'tank/web': dataset already exists"),
        ("tank/web@one", "tank/no/copy", "cannot create 'tank/no/copy': parent does not exist"),
    ],
)
def test_a_clone_needs_a_source_and_a_free_place(zfs: Zfs, source: str, target: str, text: str) -> None:
    with pytest.raises(ZfsError, match=text):
        zfs.clone(source, target, {})


def test_a_dataset_with_snapshots_goes_only_recursively(zfs: Zfs) -> None:
    with pytest.raises(ZfsError, match="use '-r'"):
        zfs.destroy(WEB)

    zfs.destroy(WEB, recursive=True)
    assert zfs.snapshots == {}


def test_a_dataset_with_clones_elsewhere_stays(zfs: Zfs) -> None:
    zfs.clone("tank/web@one", "tank/copy", {})

    with pytest.raises(ZfsError, match="dependent clones"):
        zfs.destroy(WEB, recursive=True)

    assert zfs.destroy(WEB, recursive=True, dependents=True).datasets == ["tank/copy", WEB]


def test_a_moved_dataset_takes_its_snapshots_along(zfs: Zfs) -> None:
    zfs.clone("tank/web@one", "tank/copy", {})
    zfs.add("tank/deleted")

    zfs.move(WEB, "tank/deleted/web")

    assert labels(zfs, "tank/deleted/web") == ["one", "two", "three"]
    assert zfs.datasets["tank/copy"].origin == "tank/deleted/web@one"


@pytest.mark.parametrize(
    ("name", "target", "text"),
    [
        ("tank/none", "tank/copy", "dataset does not exist"),
        (WEB, "tank", "dataset already exists"),
        (WEB, "tank/nowhere/web", "parent does not exist"),
    ],
)
def test_a_dataset_moves_from_where_it_is_to_a_place_that_is_free(zfs: Zfs, name: str, target: str, text: str) -> None:
    with pytest.raises(ZfsError, match=text):
        zfs.move(name, target)

    assert labels(zfs) == ["one", "two", "three"]


def test_a_promoted_clone_takes_over_its_origin_and_what_is_older(zfs: Zfs) -> None:
    zfs.clone("tank/web@one", "tank/other", {})
    zfs.clone("tank/web@two", "tank/copy", {})

    moved = zfs.promote("tank/copy")

    assert [each.id for each in moved] == ["tank/copy@one", "tank/copy@two"]
    assert labels(zfs) == ["three"]
    assert zfs.datasets["tank/copy"].origin is None
    assert zfs.datasets[WEB].origin == "tank/copy@two"
    assert zfs.datasets["tank/other"].origin == "tank/copy@one"


def test_only_a_clone_is_promoted_and_not_over_a_label_of_its_own(zfs: Zfs) -> None:
    with pytest.raises(ZfsError, match="not a cloned filesystem"):
        zfs.promote(WEB)
    zfs.clone("tank/web@two", "tank/copy", {})
    zfs.take("tank/copy", "one", properties={})

    with pytest.raises(ZfsError, match="already exists"):
        zfs.promote("tank/copy")

    assert labels(zfs) == ["one", "two", "three"]


def test_a_renamed_snapshot_is_still_stored_as_before(zfs: Zfs) -> None:
    zfs.rename("tank/web@one", "tank/web@first")
    zfs.take(WEB, "one", properties={})

    assert zfs.snapshots["tank/web@first"].stored_as == "one"
    assert zfs.snapshots["tank/web@one"].stored_as != "one"
