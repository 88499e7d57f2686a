# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a pixel that goes takes along, and who is in the way; destroying it is tested with the module."""

from __future__ import annotations

import datetime

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import leaving
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.checkpoints import Checkpoint
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import Snapshot

WEB = "tank/.ix-virt/containers/px-web"
NOON = datetime.datetime(2026, 1, 31, 12, 0, 0, tzinfo=datetime.UTC)


def checkpoint(label, txg=1, *, dataset=WEB, holds=(), **details):
    return Checkpoint(Snapshot(dataset, label, NOON, txg, holds=holds), **details)


def test_who_depends_on_it_is_named_as_people_know_them():
    copies = ("tank/.ix-virt/containers/px-copy", "tank/data")

    assert leaving.dependents([checkpoint("ready", clones=copies)]) == (
        "copy (from ready)",
        "tank/data (from ready)",
    )
    assert leaving.dependents([checkpoint("ready", clones=copies)], without={"px-copy"}) == ("tank/data (from ready)",)
