# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of labels, of what stands in the way, and of what is pruned; values in, values out."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import checkpoints, whereabouts
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import MADE_BY, PURPOSE, US, Checkpoint
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import Snapshot

WEB = "tank/.ix-virt/containers/px-web"
NOON = datetime.datetime(2026, 1, 31, 12, 0, 0, tzinfo=datetime.UTC)


def checkpoint(label, *, purpose="checkpoint", holds=(), **details):
    properties = {MADE_BY: US, PURPOSE: purpose} if purpose else {}
    return Checkpoint(Snapshot(WEB, label, NOON, 1, holds=holds, properties=properties), **details)


def test_a_label_is_the_time_in_utc():
    assert checkpoints.label_now(now=NOON) == "px-20260131-120000"


@pytest.mark.parametrize(
    ("taken", "label"), [((), "a"), (("a",), "a-2"), (("a", "a-2"), "a-3"), (("a-2",), "a"), (("a", "a-3"), "a-2")]
)
def test_a_label_gets_a_number_where_it_is_taken(taken, label):
    assert checkpoints.unique("a", taken) == label


@pytest.mark.parametrize("label", ["ready", "px-20260131-120000", "v1.2", "a:b", "A_b", "7"])
def test_a_label_zfs_takes_is_taken(label):
    assert checkpoints.check_label(label, WEB) == label


@pytest.mark.parametrize("label", ["", " ", "a b", "a/b", "a@b", "-a", ".a", "ä", "a\n", "x" * 225])
def test_a_label_zfs_refuses_is_refused(label):
    with pytest.raises(Invalid, match="cannot be the label"):
        checkpoints.check_label(label, WEB)


@pytest.mark.parametrize(
    ("keep", "fresh", "gone"),
    [
        (None, True, []),
        (3, True, ["one"]),
        (3, False, []),
        (1, True, ["one", "two", "three"]),
        (1, False, ["one", "two"]),
    ],
)
def test_the_oldest_go(keep, fresh, gone):
    found = [checkpoint(label) for label in ("one", "two", "three")]

    pruned = checkpoints.too_many(found, keep, fresh=fresh, label="new" if fresh else "three")

    assert [each.label for each in pruned] == gone


@pytest.mark.parametrize(
    "stays",
    [
        checkpoint("old", purpose=None),
        checkpoint("old", purpose="clone"),
        checkpoint("old", clones=(f"{WEB}-2",)),
        checkpoint("old", asides=(whereabouts.set_aside_as(WEB, "one"),)),
        checkpoint("old", holds=("truenas",)),
    ],
    ids=["not ours", "origin of a clone", "cloned from", "branched from", "held"],
)
def test_what_is_needed_or_not_ours_stays(stays):
    assert checkpoints.too_many([stays, checkpoint("new")], 1, fresh=False, label="new") == ()


def test_what_is_asked_for_is_never_pruned_itself():
    found = [checkpoint("asked"), checkpoint("later")]

    assert checkpoints.too_many(found, 1, fresh=False, label="asked") == ()
