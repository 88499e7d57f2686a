# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that only one lab at a time has many containers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.simulator.engines.lxc.capacity import FEW, Capacity


def test_few_containers_need_not_wait(tmp_path: Path) -> None:
    async def scenario() -> None:
        one, other = Capacity(tmp_path), Capacity(tmp_path)
        await one.make(FEW + 1)

        await other.make(FEW)

        one.give_back()

    asyncio.run(scenario())


def test_many_wait_until_another_lab_has_given_its_room_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        one, other = Capacity(tmp_path), Capacity(tmp_path)
        await asyncio.gather(one.make(FEW + 1), one.make(FEW + 2))

        waiting = asyncio.create_task(other.make(FEW + 1))
        done, _pending = await asyncio.wait([waiting], timeout=0.1)
        assert not done
        one.give_back()
        await waiting

        other.give_back()
        await one.make(FEW + 1)
        one.give_back()

    asyncio.run(scenario())
