# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what is sent to a command, and when."""

from __future__ import annotations

import queue
import threading
import time

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Abandoned
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.protocol import ResponseParser
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.stdin import Stream, Whole

PATIENCE = 20


class Shell:
    """Takes what is sent, until it is gone."""

    def __init__(self):
        self.sent = queue.Queue()
        self.is_gone = threading.Event()
        self.note = self.id = ""

    def send(self, data):
        self.sent.put(data)
        if self.is_gone.is_set():
            raise ConnectionLost("gone")

    def next(self):
        return self.sent.get(timeout=PATIENCE)


@pytest.fixture
def shell():
    return Shell()


@pytest.fixture
def response():
    return ResponseParser("w" * 32, out=lambda _piece: None, err=lambda _piece: None)


def hear(response, kind):
    response.feed(b"w" * 32 + kind + b"\n")


def test_all_of_an_input_is_sent_once_when_it_is_wanted(shell, response):
    whole = Whole(shell, b"all")

    whole.update(response)
    assert shell.sent.empty()
    hear(response, b"g")
    whole.update(response)
    whole.update(response)

    assert shell.next() == b"all"
    assert shell.sent.empty()


def test_each_piece_is_announced_and_sent_as_it_is_asked_for(shell, response):
    typed = queue.Queue()
    stream = Stream(shell, b"first", lambda: typed.get(timeout=PATIENCE))

    for piece in (b"first", b"typed"):
        hear(response, b"r")
        stream.update(response)
        if piece == b"typed":
            typed.put(piece)
        assert shell.next() == b"5\n"
        hear(response, b"g")
        stream.update(response)
        assert shell.next() == piece
    typed.put(b"")
    hear(response, b"r")
    stream.update(response)

    assert shell.next() == b"0\n"


def test_the_end_of_a_command_is_the_end_of_its_input_though_more_could_be_typed(shell, response):
    typing = threading.Event()
    stream = Stream(shell, b"", lambda: typing.wait(PATIENCE) and b"late")
    hear(response, b"r")
    stream.update(response)

    hear(response, b"d")
    stream.update(response)

    assert shell.next() == b"0\n"
    typing.set()
    hear(response, b"x0")
    stream.update(response)
    assert shell.sent.empty()


def test_what_cannot_be_read_has_ended(shell, response):
    def read():
        raise OSError("no")

    stream = Stream(shell, b"", read)
    hear(response, b"r")
    stream.update(response)

    assert shell.next() == b"0\n"


def test_a_shell_that_is_gone_ends_it_without_output(shell, response):
    shell.is_gone.set()
    stream = Stream(shell, b"first", lambda: b"more")
    hear(response, b"r")
    stream.update(response)

    assert shell.next() == b"5\n"
    hear(response, b"g")
    stream.update(response)
    assert not shell.sent.qsize() > 1


def test_a_source_that_fails_is_reported_to_each_listener(shell, response):
    asked = threading.Event()

    def give_up():
        asked.set()
        raise Abandoned("no response came")

    stream = Stream(shell, b"", give_up)
    stream.update(response)
    assert asked.wait(PATIENCE)

    with pytest.raises(Abandoned, match="no response came"):
        for _turn in range(PATIENCE * 100):
            stream.update(response)
            time.sleep(0.01)
