# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of how many calls a connection runs, queues and rejects."""

from __future__ import annotations

import asyncio

from tests.simulator.concurrency import CallSlots, TooManyCalls


def test_ten_run_ten_wait_and_the_next_is_refused() -> None:
    async def scenario() -> tuple[int, int, int]:
        slots, running, release = CallSlots(), [], asyncio.Event()

        async def call(number: int) -> None:
            async with slots.slot():
                running.append(number)
                await release.wait()

        calls = [asyncio.create_task(call(number)) for number in range(21)]
        await asyncio.sleep(0)
        at_first = len(running)
        release.set()
        endings = await asyncio.gather(*calls, return_exceptions=True)
        return at_first, len(running), sum(isinstance(ending, TooManyCalls) for ending in endings)

    assert asyncio.run(scenario()) == (10, 20, 1)


def test_an_ended_call_makes_room() -> None:
    async def scenario() -> int:
        slots = CallSlots()
        for _call in range(25):
            async with slots.slot():
                pass
        return slots.taken

    assert asyncio.run(scenario()) == 0
