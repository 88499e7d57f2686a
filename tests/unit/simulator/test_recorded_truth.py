# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replay what was recorded from real Incus 6.0.4 and OpenZFS 2.3.2 against simulated containers.

`make truth RECORD=1` writes the records (tests/truth/scenarios.py has the calls). Where the simulator gives another
answer than the record, the difference is listed here with its reason.
"""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.truth import scenarios
from tests.unit.simulator.talk import Talk

PY_LIBZFS = "the middleware asks py-libzfs, whose text this is; the record is of the command zfs"
DIFFERENCES = {
    ("snapshots", "of nothing"): PY_LIBZFS,
    ("snapshots", "delete of a held one"): PY_LIBZFS,
    ("snapshots", "dataset with snapshots"): PY_LIBZFS,
    ("snapshots", "dataset with clones"): PY_LIBZFS,
}
"""By scenario and key of its record."""


@pytest.mark.parametrize("path", sorted(scenarios.RECORDED.glob("*.json")), ids=lambda path: path.stem)
def test_the_simulator_answers_as_incus_and_zfs_did(path: t.Any, start: t.Any) -> None:
    recorded = json.loads(path.read_text(encoding="utf-8"))
    simulator = start(engine="process")
    talk = Talk(simulator)
    talk.login()

    observed = scenarios.stable(scenarios.SCENARIOS[path.stem](scenarios.Nas(talk, simulator)))

    talk.close()
    different = {key for key in recorded | observed if recorded.get(key) != observed.get(key)}
    assert different == {key for scenario, key in DIFFERENCES if scenario == path.stem}


def test_each_scenario_was_recorded() -> None:
    assert {path.stem for path in scenarios.RECORDED.glob("*.json")} == set(scenarios.SCENARIOS)
