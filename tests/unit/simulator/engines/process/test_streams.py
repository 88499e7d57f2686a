# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pipes and terminals in an event loop."""

from __future__ import annotations

import asyncio
import errno
import os

import pytest

from tests.simulator.engines.process import streams
from tests.simulator.engines.process.streams import Stream


def test_more_than_a_pipe_holds_goes_through_it() -> None:
    async def through() -> bytes:
        read, write = (Stream(descriptor) for descriptor in os.pipe())

        async def fill() -> None:
            await write.write(b"x" * 1_000_000)
            write.close()

        filling = asyncio.create_task(fill())
        content = await read.read_all()
        await filling
        read.close()
        return content

    assert asyncio.run(through()) == b"x" * 1_000_000


def test_no_more_is_read_than_asked_for() -> None:
    async def read() -> list[bytes]:
        read, write = (Stream(descriptor) for descriptor in os.pipe())
        await write.write(b"abcde")
        write.close()
        pieces = [await read.read(2) for _piece in range(4)]
        read.close()
        return pieces

    assert asyncio.run(read()) == [b"ab", b"cd", b"e", b""]


def test_writing_to_a_closed_reader_is_a_broken_pipe() -> None:
    async def write() -> None:
        read, write = (Stream(descriptor) for descriptor in os.pipe())
        read.close()
        try:
            await write.write(b"x")
        finally:
            write.close()

    with pytest.raises(BrokenPipeError):
        asyncio.run(write())


def test_a_terminal_that_all_have_left_is_at_its_end() -> None:
    async def leave() -> bytes:
        master, slave = os.openpty()
        stream = Stream(master)
        os.write(slave, b"bye")
        os.close(slave)
        content = await stream.read_all()
        stream.close()
        return content

    assert asyncio.run(leave()) == b"bye"


def test_what_the_kernel_has_of_a_terminal_after_it_reported_the_end_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def leave() -> bytes:
        master, slave = os.openpty()
        stream = Stream(master)
        os.write(slave, b"bye")
        os.close(slave)
        content = await stream.read_all()
        stream.close()
        return content

    # What happens about once in a thousand times on a busy machine.
    failures = [OSError(errno.EIO, "Input/output error")]
    read = os.read

    def fail_at_first(descriptor: int, most: int) -> bytes:
        if failures:
            raise failures.pop()
        return read(descriptor, most)

    monkeypatch.setattr(streams.os, "read", fail_at_first)

    assert asyncio.run(leave()) == b"bye"
    assert failures == []


def test_a_wait_that_is_cancelled_leaves_the_loop_clean() -> None:
    async def cancel() -> bytes:
        read, write = (Stream(descriptor) for descriptor in os.pipe())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await read.read()
        await write.write(b"later")
        content = await read.read()
        read.close()
        write.close()
        return content

    assert asyncio.run(cancel()) == b"later"
