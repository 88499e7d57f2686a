# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of one connection to a daemon, which here is played by the test."""

from __future__ import annotations

import json
import socket

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import client_connection as links
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client_connection import (
    DaemonConnection,
    DaemonGone,
    WrongDaemon,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.identity import VERSION
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Progress

CREDENTIAL = Credential("root", api_key="1-secret")
GREETING = {"daemon": {"protocol": protocol.PROTOCOL, "version": VERSION, "pid": 5}, "challenge": "c"}


class Played:
    """The daemon at the other end of a connection; it sends its replies in advance."""

    def __init__(self):
        self.ours, self._theirs = socket.socketpair()

    def says(self, *frames):
        for frame in frames:
            self._theirs.sendall(frame if isinstance(frame, bytes) else json.dumps(frame).encode() + b"\n")

    def heard(self):
        return self._theirs.recv(65536)

    def hangs_up(self):
        """End the connection; what was sent before can still be read."""
        self._theirs.shutdown(socket.SHUT_WR)

    def close(self):
        self._theirs.close()
        self.ours.close()


@pytest.fixture
def daemon():
    played = Played()
    yield played
    played.close()


@pytest.fixture
def link(daemon):
    daemon.says(GREETING, {"welcome": True})
    link = DaemonConnection(daemon.ours)
    link.authenticate(CREDENTIAL, Timeouts(), 60.0)
    daemon.heard()
    yield link
    link.close()


def ask(link, *, notice=None, progress=None, **options):
    return link.request(b"request\n", notice=notice or (lambda text: None), progress=progress, **options)


def lost(link):
    with pytest.raises(DaemonGone) as caught:
        ask(link)
    return caught.value


def test_the_credential_does_not_cross(daemon):
    daemon.says(GREETING, {"welcome": True})
    link = DaemonConnection(daemon.ours)
    link.authenticate(CREDENTIAL, Timeouts(), 60.0)

    assert b"secret" not in daemon.heard()
    assert link.is_usable
    link.close()


@pytest.mark.parametrize(
    "greeting",
    [
        {"daemon": {"protocol": 0, "version": VERSION, "pid": 5}, "challenge": "c"},
        {"hello": 1},
        {"daemon": None},
    ],
)
def test_an_invalid_greeting_is_of_no_daemon(daemon, greeting):
    daemon.says(greeting)

    with pytest.raises(WrongDaemon):
        DaemonConnection(daemon.ours)


def test_a_daemon_of_other_code_is_not_entered(daemon):
    daemon.says({"daemon": {**GREETING["daemon"], "version": "old"}, "challenge": "c"})

    with pytest.raises(WrongDaemon):
        DaemonConnection(daemon.ours).authenticate(CREDENTIAL, Timeouts(), 60.0)


def test_a_daemon_that_refuses_is_not_entered(daemon):
    daemon.says(GREETING, {"refused": "no"})

    with pytest.raises(WrongDaemon):
        DaemonConnection(daemon.ours).authenticate(CREDENTIAL, Timeouts(), 60.0)


def test_one_that_hangs_up_before_it_greets_has_surely_done_nothing(daemon):
    daemon.hangs_up()

    with pytest.raises(DaemonGone) as caught:
        DaemonConnection(daemon.ours)
    assert not caught.value.taken


def test_one_that_says_nothing_is_reported_from_one_that_ended(daemon):
    with pytest.raises(DaemonGone) as caught:
        DaemonConnection(daemon.ours, timeout=0.01)
    assert caught.value.taken


def test_notices_and_progress_are_reported_before_the_answer(daemon, link):
    received = []
    daemon.says({"taken": True}, {"alive": True}, {"notice": "wait"}, {"progress": [40, "half"]}, {"result": 5})

    assert ask(link, notice=received.append, progress=received.append) == 5
    assert received == ["wait", Progress(40, "half")]
    assert link.is_usable


def test_progress_that_was_not_requested_is_ignored(daemon, link):
    daemon.says({"progress": [40, "half"]}, {"result": None})

    assert ask(link) is None


def test_an_error_is_an_answer(daemon, link):
    daemon.says({"taken": True}, {"error": protocol.error_to_frame(NotFound("nothing there"))})

    with pytest.raises(NotFound, match="nothing there"):
        ask(link)
    assert link.is_usable


def test_what_was_not_begun_was_not_done(daemon, link):
    daemon.hangs_up()

    assert not lost(link).taken


def test_what_was_begun_may_be_done(daemon, link):
    daemon.says({"taken": True})
    daemon.hangs_up()

    assert lost(link).taken


def test_what_a_silent_daemon_did_not_begin_is_withdrawn(daemon, link, monkeypatch):
    monkeypatch.setattr(protocol, "RESPONSE_TIMEOUT_S", 0.01)

    loss = lost(link)

    assert (loss.taken, loss.silent) == (False, True)
    # What it reads when it runs again, and that nothing waits for the outcome.
    assert (daemon.heard(), daemon.heard()) == (b"request\n", b"")


def test_a_daemon_that_goes_silent_after_it_has_begun_may_do_it_when_it_runs_again(daemon, link, monkeypatch):
    monkeypatch.setattr(protocol, "SILENCE_TIMEOUT_S", 0.01)
    daemon.says({"taken": True})

    loss = lost(link)

    assert (loss.taken, loss.silent) == (True, True)


def test_a_request_that_is_begun_just_as_it_is_withdrawn_may_be_done(daemon, link, monkeypatch):
    monkeypatch.setattr(protocol, "RESPONSE_TIMEOUT_S", 0.01)
    monkeypatch.setattr(links.time, "monotonic", iter([0.0, 11.0]).__next__)
    daemon.says({"alive": True}, {"alive": True}, {"taken": True})

    with pytest.raises(DaemonGone) as caught:
        ask(link, timeout=10)
    assert caught.value.taken


def test_keepalives_without_an_end_are_a_silence(daemon, link):
    daemon.says({"alive": True})

    with pytest.raises(DaemonGone) as caught:
        ask(link, timeout=0)
    assert caught.value.silent


@pytest.mark.parametrize("message", [b"nonsense\n", b'{"result": 1', {"error": {"class": "SystemExit"}}])
def test_a_malformed_reply_to_a_begun_request_leaves_its_outcome_unknown(daemon, link, message):
    daemon.says({"taken": True}, message)
    daemon.hangs_up()

    assert lost(link).taken
    assert not link.is_usable


def test_one_that_has_ended_meanwhile_is_not_usable(daemon, link):
    daemon.hangs_up()

    assert not link.is_usable


def test_one_that_speaks_unasked_is_not_usable(daemon, link):
    daemon.says({"result": "of another question"})

    assert not link.is_usable
