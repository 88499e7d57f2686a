# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that the fault of a shell strikes after the ordered number of bytes."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator.faults import Faults
from tests.simulator.shell.troubles import CONNECTION, INPUT, OUTPUT, Troubles


class Shell:
    """Counts what happens to it."""

    def __init__(self) -> None:
        self.faults = Faults(role_removed=lambda role, username: None, cleared=lambda: None)
        self.events: list[str] = []
        names = ("drop_shell", "end_shell")
        self.troubles = Troubles(self.faults, "px-web", {name: self._noting(name) for name in names})

    def _noting(self, name: str) -> t.Callable[[], None]:
        return lambda: self.events.append(name)

    def pass_on(self, side: str, size: int) -> int:
        passing, struck = self.troubles.notice(side, size)
        for strike in struck:
            strike()
        return passing


@pytest.fixture
def shell() -> Shell:
    return Shell()


def test_without_faults_all_passes(shell: Shell) -> None:
    assert [shell.pass_on(side, 100) for side in (INPUT, OUTPUT)] == [100, 100]
    assert shell.events == []


def test_a_fault_strikes_in_the_middle_of_a_piece(shell: Shell) -> None:
    shell.faults.add("drop_shell", after_output=150)

    passed = [shell.pass_on(OUTPUT, 100) for _piece in range(2)]

    assert passed == [100, 50]
    assert shell.events == ["drop_shell"]


def test_a_fault_of_one_direction_does_not_count_the_other(shell: Shell) -> None:
    shell.faults.add("drop_shell", after_input=10)

    passed = [shell.pass_on(side, size) for side, size in ((OUTPUT, 100), (INPUT, 5), (OUTPUT, 100), (INPUT, 100))]

    assert passed == [100, 5, 100, 5]
    assert shell.events == ["drop_shell"]


@pytest.mark.parametrize("side", [CONNECTION, INPUT, OUTPUT])
def test_a_fault_without_a_number_strikes_immediately(shell: Shell, side: str) -> None:
    shell.faults.add("end_shell")

    passed = [shell.pass_on(side, 8), shell.pass_on(side, 8)]

    assert passed == [0, 8]
    assert shell.events == ["end_shell"]


def test_the_earlier_of_two_decides_what_passes(shell: Shell) -> None:
    shell.faults.add("end_shell", after_output=30)
    shell.faults.add("drop_shell", after_output=20)

    assert shell.pass_on(OUTPUT, 100) == 20


def test_a_fault_of_another_container_is_left_for_it(shell: Shell) -> None:
    shell.faults.add("drop_shell", method="px-other")

    assert shell.pass_on(OUTPUT, 100) == 100
    assert shell.faults.waiting == ["drop_shell"]
