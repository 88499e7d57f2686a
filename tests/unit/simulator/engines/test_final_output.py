# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of a command that could not be started."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulator.engines.final_output import FinalOutput


def test_it_is_read_piece_by_piece_to_its_end() -> None:
    async def read() -> list[bytes]:
        terminal = FinalOutput(b"no such command\r\n")
        await terminal.wait()
        return [await terminal.read(10) for _piece in range(3)]

    assert asyncio.run(read()) == [b"no such co", b"mmand\r\n", b""]


def test_what_is_typed_is_not_read() -> None:
    terminal = FinalOutput(b"")
    terminal.resize(80, 24)

    with pytest.raises(BrokenPipeError):
        asyncio.run(terminal.write(b"x"))


def test_what_was_not_read_is_gone_once_it_is_closed() -> None:
    async def close() -> bytes:
        terminal = FinalOutput(b"too late")
        await terminal.close()
        return await terminal.read(10)

    assert asyncio.run(close()) == b""
