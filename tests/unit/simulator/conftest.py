# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running simulator, and connections to it, for the simulator's own tests."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from tests.simulator.releases import RELEASES
from tests.simulator.running import RunningSimulator, running_simulator
from tests.unit.simulator.talk import Talk

Start = t.Callable[..., RunningSimulator]
Connect = t.Callable[..., Talk]


@pytest.fixture
def start() -> t.Iterator[Start]:
    """Start simulators with these options; fail the test at the end if one has recorded a contract error."""
    with contextlib.ExitStack() as stack:
        started: list[RunningSimulator] = []

        def start_one(**options: t.Any) -> RunningSimulator:
            simulator = stack.enter_context(running_simulator(**{"engine": "paper"} | options))
            started.append(simulator)
            return simulator

        yield start_one
        for simulator in started:
            assert simulator.contract_errors == []


@pytest.fixture
def simulator(start: Start) -> RunningSimulator:
    return start()


@pytest.fixture(params=list(RELEASES))
def each_release(request: pytest.FixtureRequest, start: Start) -> RunningSimulator:
    return start(release=request.param)


@pytest.fixture
def connect() -> t.Iterator[Connect]:
    """Connect to a simulator without logging in."""
    with contextlib.ExitStack() as stack:

        def connect_one(simulator: RunningSimulator, **details: t.Any) -> Talk:
            talk = Talk(simulator, **details)
            stack.callback(talk.close)
            return talk

        yield connect_one


@pytest.fixture
def stranger(simulator: RunningSimulator, connect: Connect) -> Talk:
    """Connected, not logged in."""
    return connect(simulator)


@pytest.fixture
def talk(stranger: Talk) -> Talk:
    """Logged in as the full admin."""
    stranger.login()
    return stranger
