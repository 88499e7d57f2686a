# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the picture of a pool that is read from listings of ZFS."""

from __future__ import annotations

from tests.simulator.engines.incus.storage import picture

NATIVE = {"type": "filesystem", "createtxg": "5", "creation": "1700000000", "guid": "13", "referenced": "4096"}


def rows(name, **values):
    return [f"{name}\t{key}\t{value}\t-" for key, value in (NATIVE | values).items()]


def test_datasets_snapshots_clones_properties_and_holds_are_found():
    listed = [
        *rows("tank/web"),
        *rows("tank/web@ready", type="snapshot", createtxg="7", defer_destroy="on"),
        "tank/web@ready\tpixels:by\ta\tb\tlocal",
        "tank/web@ready\torg.truenas:pool\ttank\tinherited from tank",
        *rows("tank/twin", origin="tank/web@ready"),
    ]

    found = picture(listed, ["tank/web@ready\ttruenas\t1700000009"])

    assert {name: each.origin for name, each in found.datasets.items()} == {
        "tank/web": None,
        "tank/twin": "tank/web@ready",
    }
    [ready] = found.snapshots.values()
    assert (ready.id, ready.txg, ready.guid, ready.referenced, ready.deferred) == ("tank/web@ready", 7, 13, 4096, True)
    assert (ready.properties, ready.holds) == ({"pixels:by": "a\tb"}, {"truenas": 1700000009})
    assert found.clones("tank/web@ready") == ["tank/twin"]
