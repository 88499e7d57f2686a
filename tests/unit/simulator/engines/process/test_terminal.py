# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of a command's terminal: echo, lines, size, signals, closing."""

from __future__ import annotations

import asyncio
import struct
import typing as t

import pytest

if t.TYPE_CHECKING:
    from tests.simulator.engines.process.terminal import GuestTerminal
    from tests.unit.simulator.engines.process.conftest import Lab


def open_terminal(lab: Lab, name: str, *argv: str, **environment: str) -> GuestTerminal:
    return lab.do(lab.engine.open_terminal(name, argv, environment=environment))


def read_until(lab: Lab, terminal: GuestTerminal, wanted: bytes) -> bytes:
    """All up to what is wanted; what never comes fails the test."""

    async def read() -> bytes:
        content = b""
        async with asyncio.timeout(10):
            while wanted not in content:
                piece = await terminal.read(1024)
                assert piece, f"{wanted!r} did not come before the end, but {content!r}"
                content += piece
        return content

    return lab.do(read())


def read_all(lab: Lab, terminal: GuestTerminal) -> list[bytes]:
    async def read() -> list[bytes]:
        pieces = []
        while piece := await terminal.read(1024):
            pieces.append(piece)
        await terminal.wait()
        return pieces

    return lab.do(read())


def test_what_is_typed_is_echoed_and_lines_end_in_both_characters(lab: Lab) -> None:
    terminal = open_terminal(lab, lab.start(), "cat")

    lab.do(terminal.write(b"hello\n\x04"))

    assert b"".join(read_all(lab, terminal)) == b"hello\r\nhello\r\n"
    lab.do(terminal.close())


def test_nothing_is_read_in_larger_pieces_than_asked_for(lab: Lab) -> None:
    terminal = open_terminal(lab, lab.start(), "sh")

    lab.do(terminal.write(b"stty -echo; head -c 100000 /dev/zero; exit\n"))

    sizes = [len(piece) for piece in read_all(lab, terminal)]
    assert max(sizes) == 1024
    assert sum(sizes) > 100_000
    lab.do(terminal.close())


def test_any_byte_passes_a_terminal_that_is_raw(lab: Lab) -> None:
    content = bytes(range(256)) * 1000
    terminal = open_terminal(lab, lab.start(), "sh")
    lab.do(terminal.write(b"stty raw -echo; echo READY | tr A-Z a-z; exec head -c 256000\n"))
    read_until(lab, terminal, b"ready\n")

    async def type_and_read() -> bytes:
        typing = asyncio.create_task(terminal.write(content))
        received = b""
        while len(received) < len(content):
            received += await terminal.read(1024)
        await typing
        return received

    assert lab.do(type_and_read()) == content
    lab.do(terminal.close())


def test_it_has_no_size_until_it_is_given_one(lab: Lab) -> None:
    terminal = open_terminal(lab, lab.start(), "sh")

    lab.do(terminal.write(b"stty size\n"))
    before = read_until(lab, terminal, b"0 0\r\n")
    terminal.resize(132, 43)
    lab.do(terminal.write(b"stty size\n"))

    assert b"0 0\r\n" in before
    assert b"43 132\r\n" in read_until(lab, terminal, b"43 132\r\n")
    with pytest.raises(struct.error):
        terminal.resize(-1, 10**6)
    lab.do(terminal.close())


def test_the_interrupt_character_ends_what_runs_and_not_the_shell(lab: Lab) -> None:
    terminal = open_terminal(lab, lab.start(), "sh")
    lab.do(terminal.write(b"sh -c 'echo READY | tr A-Z a-z; exec sleep 1000'\n"))
    read_until(lab, terminal, b"ready\r\n")

    lab.do(terminal.write(b"\x03"))
    lab.do(terminal.write(b"echo ALIVE | tr A-Z a-z\n"))

    assert b"^C" in read_until(lab, terminal, b"alive\r\n")
    lab.do(terminal.close())


def test_closing_ends_the_command_and_its_foreground(lab: Lab) -> None:
    name = lab.start()
    terminal = open_terminal(lab, name, "sh")
    lab.do(terminal.write(b"echo $$ > /run/shell; sh -c 'echo $$ > /run/front; echo NOW | tr A-Z a-z; sleep 1000'\n"))
    read_until(lab, terminal, b"now\r\n")

    lab.do(terminal.close())

    left = (
        "for file in shell front; do while kill -0 $(cat /run/$file) 2>/dev/null; do sleep 0.01; done; done; echo gone"
    )
    assert lab.shell(name, left) == "gone"


def test_it_runs_as_root_at_home_with_the_containers_environment(lab: Lab) -> None:
    name = lab.start(COLOR="blue")
    terminal = open_terminal(lab, name, "sh", TERM="xterm")

    lab.do(terminal.write(b'echo "$(id -u) $PWD $COLOR $TERM $(hostname)"; exit\n'))

    assert b"0 /root blue xterm px-web\r\n" in b"".join(read_all(lab, terminal))
    lab.do(terminal.close())


@pytest.mark.parametrize("program", ["/bin/nonsense", "nonsense", "/bin/sh -c true"])
def test_a_program_that_is_not_there_is_reported_by_name(lab: Lab, program: str) -> None:
    name = lab.start()

    with pytest.raises(FileNotFoundError) as missing:
        open_terminal(lab, name, program)

    assert missing.value.filename == program


def test_the_end_of_the_guest_is_the_end_of_its_terminals(lab: Lab) -> None:
    name = lab.start()
    terminal = open_terminal(lab, name, "cat")

    lab.stop(name)

    assert read_all(lab, terminal) == []
    lab.do(terminal.close())


def test_a_stopped_guest_gets_no_terminal(lab: Lab) -> None:
    name = lab.start()
    lab.stop(name)

    with pytest.raises(ConnectionResetError):
        open_terminal(lab, name, "sh")
