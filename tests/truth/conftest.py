# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NAS whose containers are those of real Incus, for all tests of a run."""

from __future__ import annotations

import os
import typing as t

import pytest

from tests.simulator.running import RunningSimulator, running_simulator
from tests.truth.init import SLOWNESS

SLOW = float(os.environ.get(SLOWNESS, "1"))
TIMEOUT_S = int(900 * SLOW)
"""For one call: a create from an image takes a minute on the reference machine."""


@pytest.fixture(scope="session")
def truenas() -> t.Iterator[RunningSimulator]:
    with running_simulator(release="25.10", engine="incus", login_limit=1000) as simulator:
        yield simulator
        assert simulator.contract_errors == []
