# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what the engine reads of Incus, with recorded replies in place of the virtual machine."""

from __future__ import annotations

import asyncio
import typing as t

from tests.simulator.engines.incus.engine import IncusEngine


class Replies:
    def __init__(self, replies: dict[str, t.Any]) -> None:
        self.replies = replies

    async def incus(self, method: str, path: str) -> dict[str, t.Any]:
        return {"metadata": self.replies[path]}


def test_one_that_is_listed_without_its_configuration_is_read_by_its_name() -> None:
    engine = IncusEngine()
    whole, stopping = {"name": "px-web", "config": {"a": "b"}}, {"name": "px-db", "config": None, "state": None}
    engine.agent = Replies(  # type: ignore[assignment]
        {"1.0/instances?recursion=2": [whole, stopping], "1.0/instances/px-db": {"name": "px-db", "config": {"c": "d"}}}
    )

    found = asyncio.run(engine.instances())

    assert found == {"px-web": whole, "px-db": {"name": "px-db", "config": {"c": "d"}}}
