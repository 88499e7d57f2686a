# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the few commands that the simulated NAS understands."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulator import commands
from tests.simulator.engines.paper import PaperEngine
from tests.simulator.layout import INCUS
from tests.simulator.storage import Storage


@pytest.fixture
def storage() -> Storage:
    storage = Storage(PaperEngine(), INCUS, lambda: 0.0)
    storage.zfs.add("tank/data")
    return storage


def run(storage: Storage, command: str) -> tuple[int, str]:
    return asyncio.run(commands.run(storage, command))


@pytest.mark.parametrize(
    ("command", "ended"),
    [
        ("true", (0, "")),
        ("false", (1, "")),
        ("exit 3", (3, "")),
        ("sleep 0", (0, "")),
        ("echo 'a  b' c", (0, "a  b c\n")),
        ("true && echo yes", (0, "yes\n")),
        ("false && echo yes", (1, "")),
        ("false; echo anyway", (0, "anyway\n")),
        ("true > /dev/null 2>&1", (0, "")),
        ("echo 'open", (2, "sh: No closing quotation\n")),
        ("zfs destroy tank/data@no", (1, "could not find any snapshots to destroy; check snapshot names.\n")),
    ],
)
def test_a_command_ends_as_a_shell_would_end_it(storage: Storage, command: str, ended: tuple[int, str]) -> None:
    assert run(storage, command) == ended


@pytest.mark.parametrize("command", ["rm -rf /", "zfs list", "echo owned > /etc/passwd", "echo $(id)", "true | cat"])
def test_any_other_command_is_not_run_and_says_so(storage: Storage, command: str) -> None:
    text = f"the simulated NAS does not know how to run: {command}\n"

    assert run(storage, command) == (commands.NOT_UNDERSTOOD, text)


def test_zfs_commands_change_the_pools(storage: Storage) -> None:
    assert run(storage, "zfs snapshot tank/data@a && zfs clone tank/data@a tank/copy")[0] == 0
    assert run(storage, "zfs destroy tank/data@a") == (1, "cannot destroy snapshot tank/data@a: snapshot is cloned\n")
    assert run(storage, "zfs destroy tank/copy && zfs rollback tank/data@a && zfs destroy tank/data@a")[0] == 0

    assert sorted(storage.zfs.datasets) == ["tank", "tank/data"]
    assert storage.zfs.snapshots == {}
