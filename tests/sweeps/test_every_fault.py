# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run each operation with each fault at each of its state-changing calls, and judge the state of the simulator.

Only `make test-all` runs it. `-k "restore and 26"` selects operations and releases, and `--cells 0.1` samples a tenth
of their cells.
"""

from __future__ import annotations

import random
import typing as t

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.cloning import cloner
from tests.simulator.running import running_simulator
from tests.sweeps import judge
from tests.sweeps.faults import FAULTS, Fault
from tests.sweeps.nas import CALL_TIMEOUT_S, SHORT_CALL_TIMEOUT_S, Nas, StateChange
from tests.sweeps.operations import OPERATIONS, RELEASES, Operation

MATRIX = [(release, each) for release in RELEASES for each in OPERATIONS if release in each.releases]
SEED = 1


@pytest.fixture
def nas(release: str, operation: Operation, monkeypatch, tmp_path) -> t.Iterator[Nas]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    # Seconds to wait for changes by another client that makes the same clone.
    monkeypatch.setattr(cloner, "ACTIVITY_TIMEOUT_S", 0.1)
    with running_simulator(
        release=release, engine=operation.engine, ssh_installed=True, login_limit=1_000_000, address_seconds=0.0
    ) as simulator:
        yield Nas(simulator)
        assert simulator.contract_errors == []


def cells(changes: t.Sequence[StateChange], part: float) -> list[tuple[StateChange, Fault]]:
    """Return each call with each fault that applies to it, or a sample of these pairs."""
    pairs = [(change, fault) for change in changes for fault in FAULTS if change.kind in fault.strikes]
    return random.Random(SEED).sample(pairs, round(len(pairs) * part)) if part < 1 else pairs


@pytest.mark.timeout(0)
@pytest.mark.parametrize(("release", "operation"), MATRIX, ids=[f"{each.name}-{release}" for release, each in MATRIX])
def test_an_operation_survives_every_fault(nas, operation, request, subtests):
    goal, changes = recording(nas, operation)
    for change, fault in cells(changes, request.config.getoption("cells")):
        with subtests.test(f"{fault.name} at {change.method} {change.number + 1}"):
            found = list(problems(nas, operation, change, fault, goal))
            if found:
                pytest.fail("\n".join(found), pytrace=False)


def recording(nas: Nas, operation: Operation) -> tuple[judge.World, list[StateChange]]:
    """Run an operation without a fault, and return the state of the NAS and the state-changing calls."""
    operation.set_up(nas)
    attempt = nas.run(operation.module, operation.params)
    return judge.look(nas), attempt.changes


def problems(nas: Nas, operation: Operation, change: StateChange, fault: Fault, goal: judge.World) -> t.Iterator[str]:
    """Run an operation with a fault, then twice without it, and yield the problems."""
    nas.reset()
    operation.set_up(nas)
    before = judge.look(nas)
    fault.strike(nas, change)
    attempt = nas.attempt(
        operation.module,
        operation.params,
        kill_at=change.position if fault.kills else None,
        leave_at=change.position if fault.leaves else None,
        call_timeout_s=SHORT_CALL_TIMEOUT_S if fault.unknown else CALL_TIMEOUT_S,
    )
    after = judge.look(nas)
    yield from judge.first(operation, fault, before, after, attempt)
    nas.faults.clear()
    if attempt.hung:
        return
    # With a late reply, the call takes effect after the task continued. The next run must converge.
    is_settled = not attempt.failed and not fault.unknown
    again = attempt if is_settled else nas.attempt(operation.module, operation.params)
    third = nas.attempt(operation.module, operation.params)
    yield from judge.last(operation, goal, judge.look(nas), again, third, attempt.error or "")
