# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the first processes of guests come from, and that none of them is left."""

from __future__ import annotations

import asyncio
import os
import pathlib
import signal
import socket
import time
import typing as t

import pytest

from tests.simulator.engines.process.init_starter import InitStarter, Process


@pytest.fixture
def starter() -> t.Iterator[InitStarter]:
    found = InitStarter()
    yield found
    found.close()


def begin(starter: InitStarter, stage: pathlib.Path) -> tuple[Process, socket.socket]:
    """A process that waits for the description of its guest, and the socket to it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        return starter.start(stage, theirs), ours


def end(process: Process, line: socket.socket) -> None:
    line.close()
    asyncio.run(asyncio.wait_for(process.wait(), 30))


def lives(process: Process) -> bool:
    return pathlib.Path(f"/proc/{process.pid}").exists()


def parent_of(process: Process) -> int:
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("PPid:")[2].split()[0])


def test_each_is_started_by_the_same_process_in_its_own_directory(starter: InitStarter, tmp_path: pathlib.Path) -> None:
    stages = [tmp_path / "one", tmp_path / "other"]
    for stage in stages:
        stage.mkdir()

    begun = [begin(starter, stage) for stage in stages]

    assert len({parent_of(process) for process, _line in begun} - {os.getpid()}) == 1
    for (process, line), stage in zip(begun, stages, strict=True):
        # The process enters it right after it has been started.
        until = time.monotonic() + 30
        while pathlib.Path(f"/proc/{process.pid}/cwd").readlink() != stage:
            assert time.monotonic() < until
            time.sleep(0.01)
        end(process, line)


def test_the_end_of_one_is_reported_and_the_others_live(starter: InitStarter, tmp_path: pathlib.Path) -> None:
    (one, line), (other, its_line) = (begin(starter, tmp_path) for _each in range(2))

    end(one, line)

    assert lives(other)
    asyncio.run(one.wait())
    end(other, its_line)


def test_what_they_say_goes_where_our_output_goes_by_then(
    starter: InitStarter, tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    end(*begin(starter, tmp_path))

    process, line = begin(starter, tmp_path)

    assert [pathlib.Path(f"/proc/{process.pid}/fd/{number}").readlink() for number in (1, 2)] == [
        pathlib.Path(f"/proc/self/fd/{number}").readlink() for number in (1, 2)
    ]
    end(process, line)


def test_one_that_was_killed_is_replaced(starter: InitStarter, tmp_path: pathlib.Path) -> None:
    process, line = begin(starter, tmp_path)
    os.kill(parent_of(process), signal.SIGKILL)
    starter._process.wait()

    another, its_line = begin(starter, tmp_path)

    assert lives(another)
    end(process, line)
    end(another, its_line)


def test_closed_it_is_gone_and_can_be_used_again(starter: InitStarter, tmp_path: pathlib.Path) -> None:
    process, line = begin(starter, tmp_path)
    first = parent_of(process)
    end(process, line)

    starter.close()

    assert not pathlib.Path(f"/proc/{first}").exists()
    end(*begin(starter, tmp_path))
