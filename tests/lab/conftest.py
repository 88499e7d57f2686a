# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests that run in the lab only: there is one wherever they are run, or they fail."""

from __future__ import annotations

import asyncio
import contextlib
import typing as t

import pytest

from tests.simulator.engines.lxc.engine import LxcEngine


@contextlib.asynccontextmanager
async def opened(**options: t.Any) -> t.AsyncIterator[LxcEngine]:
    engine = LxcEngine(**options)
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()


@pytest.fixture
def in_engine() -> t.Callable[..., t.Any]:
    """Run a scenario with an engine of its own."""

    def run(scenario: t.Callable[[LxcEngine], t.Awaitable[t.Any]], **options: t.Any) -> t.Any:
        async def inside() -> t.Any:
            async with opened(**options) as engine:
                return await scenario(engine)

        return asyncio.run(inside())

    return run
