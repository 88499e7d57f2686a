# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of reading lines from a socket."""

from __future__ import annotations

import socket
import types

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.line_reader import LineReader


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.fixture
def lines(ends):
    return LineReader(ends[0], max_bytes=1000)


def test_each_line_comes_by_itself_with_its_end(ends, lines):
    ends[1].sendall(b"one\ntwo\n")

    assert (lines.next(5), lines.next(5), lines.is_empty) == (b"one\n", b"two\n", True)


def test_half_a_line_is_kept_for_later(ends, lines):
    ends[1].sendall(b"ha")
    with pytest.raises(TimeoutError):
        lines.next(0.01)
    assert not lines.is_empty

    ends[1].sendall(b"lf\n")

    assert lines.next(5) == b"half\n"


def test_a_long_line_may_take_longer_than_the_time_to_wait_for_its_next_piece(ends, lines, monkeypatch):
    def wait(timeout):
        ends[1].sendall(pieces.pop(0))
        clock.append(clock[-1] + 0.9 * timeout)
        return [ends[0].fileno()]

    pieces = [b"li", b"ne", b"\n"]
    clock = [0.0]
    monkeypatch.setattr(lines, "_poll", types.SimpleNamespace(poll=wait))

    assert lines.next(5) == b"line\n"
    assert clock[-1] == 13500


def test_at_the_end_there_is_what_is_left_and_then_nothing(ends, lines):
    ends[1].sendall(b"rest")
    ends[1].shutdown(socket.SHUT_WR)

    assert (lines.next(5), lines.next(5)) == (b"rest", b"")


def test_a_line_without_end_is_given_up(ends, lines):
    ends[1].sendall(b"x" * 2000)

    with pytest.raises(OSError, match="too long"):
        lines.next(5)


def test_the_time_limit_of_the_socket_plays_no_part(ends, lines):
    ends[0].settimeout(0)
    ends[1].sendall(b"a line\n")

    assert lines.next(5) == b"a line\n"
