# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages between the engine and a guest's pid 1."""

from __future__ import annotations

import os
import socket
import typing as t

import pytest

from tests.simulator.engines.process.inside.wire import receive, send


@pytest.fixture
def line() -> t.Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with one, other:
        yield one, other


def test_a_message_far_bigger_than_a_packet_arrives(line: tuple[socket.socket, socket.socket]) -> None:
    body = {"text": "x" * 3_000_000, "odd": "\udcff"}

    send(line[0], body)

    assert receive(line[1]) == (body, [])


def test_open_files_travel_with_it(line: tuple[socket.socket, socket.socket]) -> None:
    read, write = os.pipe()
    send(line[0], {}, [write])
    os.close(write)

    message = receive(line[1])

    assert message is not None
    (received,) = message.descriptors
    assert not os.get_inheritable(received)
    os.write(received, b"through")
    os.close(received)
    assert os.read(read, 100) == b"through"
    os.close(read)


def test_the_other_side_gone_is_no_message(line: tuple[socket.socket, socket.socket]) -> None:
    line[0].close()

    assert receive(line[1]) is None
