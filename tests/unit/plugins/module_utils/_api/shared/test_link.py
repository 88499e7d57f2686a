# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of one connection to a holder, which here is played by the test."""

from __future__ import annotations

import json
import socket

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Progress
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.identity import VERSION
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.link import Link, LinkLost, WrongHolder

CREDENTIAL = Credential("root", api_key="1-secret")
GREETING = {"holder": {"protocol": protocol.PROTOCOL, "version": VERSION, "pid": 5}, "challenge": "c"}


class Played:
    """The other end of a link; what it will say is said before it is asked."""

    def __init__(self):
        self.ours, self._theirs = socket.socketpair()

    def says(self, *frames):
        for frame in frames:
            self._theirs.sendall(frame if isinstance(frame, bytes) else json.dumps(frame).encode() + b"\n")

    def heard(self):
        return self._theirs.recv(65536)

    def hangs_up(self):
        """It has ended; what it said before is still to be heard."""
        self._theirs.shutdown(socket.SHUT_WR)

    def close(self):
        self._theirs.close()
        self.ours.close()


@pytest.fixture
def holder():
    played = Played()
    yield played
    played.close()


@pytest.fixture
def link(holder):
    holder.says(GREETING, {"welcome": True})
    link = Link(holder.ours)
    link.enter(CREDENTIAL, Timeouts(), 60.0)
    holder.heard()
    yield link
    link.close()


def ask(link, *, notice=None, progress=None):
    return link.ask(b"request\n", notice=notice or (lambda text: None), progress=progress)


def lost(link):
    with pytest.raises(LinkLost) as caught:
        ask(link)
    return caught.value


def test_the_credential_does_not_cross(holder):
    holder.says(GREETING, {"welcome": True})
    link = Link(holder.ours)
    link.enter(CREDENTIAL, Timeouts(), 60.0)

    assert b"secret" not in holder.heard()
    assert link.is_usable
    link.close()


@pytest.mark.parametrize(
    "greeting",
    [
        {"holder": {"protocol": 0, "version": VERSION, "pid": 5}, "challenge": "c"},
        {"hello": 1},
        {"holder": None},
    ],
)
def test_somebody_who_greets_otherwise_is_no_holder(holder, greeting):
    holder.says(greeting)

    with pytest.raises(WrongHolder):
        Link(holder.ours)


def test_a_holder_of_other_code_is_not_entered(holder):
    holder.says({"holder": {**GREETING["holder"], "version": "old"}, "challenge": "c"})

    with pytest.raises(WrongHolder):
        Link(holder.ours).enter(CREDENTIAL, Timeouts(), 60.0)


def test_a_holder_that_refuses_is_not_entered(holder):
    holder.says(GREETING, {"refused": "no"})

    with pytest.raises(WrongHolder):
        Link(holder.ours).enter(CREDENTIAL, Timeouts(), 60.0)


def test_one_that_hangs_up_before_it_greets_has_surely_done_nothing(holder):
    holder.hangs_up()

    with pytest.raises(LinkLost) as caught:
        Link(holder.ours)
    assert not caught.value.taken


def test_one_that_says_nothing_is_told_from_one_that_ended(holder):
    with pytest.raises(LinkLost) as caught:
        Link(holder.ours, patience=0.01)
    assert caught.value.taken


def test_news_are_told_on_the_way_to_the_answer(holder, link):
    told = []
    holder.says({"taken": True}, {"alive": True}, {"notice": "wait"}, {"progress": [40, "half"]}, {"result": 5})

    assert ask(link, notice=told.append, progress=told.append) == 5
    assert told == ["wait", Progress(40, "half")]
    assert link.is_usable


def test_progress_nobody_asked_for_is_passed_over(holder, link):
    holder.says({"progress": [40, "half"]}, {"result": None})

    assert ask(link) is None


def test_an_error_is_an_answer(holder, link):
    holder.says({"taken": True}, {"error": protocol.packed(NotFound("nothing there"))})

    with pytest.raises(NotFound, match="nothing there"):
        ask(link)
    assert link.is_usable


def test_what_was_not_taken_up_was_surely_not_done(holder, link):
    holder.hangs_up()

    assert not lost(link).taken


def test_what_was_taken_up_may_be_done(holder, link):
    holder.says({"taken": True})
    holder.hangs_up()

    assert lost(link).taken


def test_a_silent_holder_may_do_it_when_it_wakes_up(link, monkeypatch):
    monkeypatch.setattr(protocol, "SILENCE", 0.01)

    assert lost(link).taken


@pytest.mark.parametrize("said", [b"nonsense\n", b'{"result": 1', {"error": {"class": "SystemExit"}}])
def test_a_garbled_answer_to_what_was_taken_up_leaves_it_open(holder, link, said):
    holder.says({"taken": True}, said)
    holder.hangs_up()

    assert lost(link).taken
    assert not link.is_usable


def test_one_that_has_ended_meanwhile_is_not_usable(holder, link):
    holder.hangs_up()

    assert not link.is_usable


def test_one_that_speaks_unasked_is_not_usable(holder, link):
    holder.says({"result": "of another question"})

    assert not link.is_usable
