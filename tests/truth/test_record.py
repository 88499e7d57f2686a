# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record what real Incus and OpenZFS answer (`make truth RECORD=1`), or check that it is what was recorded."""

from __future__ import annotations

import json
import os
import typing as t

import pytest

from tests.simulator.running import RunningSimulator
from tests.truth import scenarios
from tests.truth.conftest import TIMEOUT_S
from tests.unit.simulator.talk import Talk

RECORD = "TRUTH_RECORD"


@pytest.fixture
def nas(truenas: RunningSimulator) -> t.Iterator[scenarios.Nas]:
    talk = Talk(truenas, patience=TIMEOUT_S)
    talk.login()
    nas = scenarios.Nas(talk, truenas)
    yield nas
    scenarios.clean_up(nas)
    talk.close()


@pytest.mark.parametrize("name", scenarios.SCENARIOS)
def test_incus_answers_as_recorded(nas: scenarios.Nas, name: str) -> None:
    observed = scenarios.stable(scenarios.SCENARIOS[name](nas))

    path = scenarios.RECORDED / f"{name}.json"
    if os.environ.get(RECORD):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(observed, indent=2) + "\n", encoding="utf-8")
    assert observed == json.loads(path.read_text(encoding="utf-8"))
