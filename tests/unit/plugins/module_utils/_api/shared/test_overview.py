# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of what a user is told of the holders he has, and of ending them."""

from __future__ import annotations

import os
import signal
import socket
import tempfile

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared import overview
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.rendezvous import NoRendezvous, find
from tests.unit.plugins.module_utils._api.shared.conftest import lives

VERSION = "system.version"


def test_a_user_sees_his_holders(nas, truenas):
    with nas.held(idle=30) as (session, pid):
        session.read(VERSION)
        [status] = overview.status()

    assert (status.pid, status.nas, status.username) == (pid, nas.endpoint.nas, truenas.username)
    assert (status.callers, status.calls, status.calls_under_way, status.idle) == (1, 2, 0, 30)
    assert status.age >= 0
    assert status.is_current


def test_to_look_is_not_to_call(nas, truenas):
    with nas.held():
        overview.status()

    assert truenas.stats.calls[VERSION] == 1


def test_without_holders_there_is_nothing_to_see_or_to_end():
    assert overview.status() == []
    assert overview.stop() == []


def test_a_holder_is_ended(nas, truenas, meeting_place):
    with nas.held() as (session, pid):
        assert overview.stop() == [pid]

        assert not lives(pid)
        assert list(meeting_place.glob("*.sock")) == []
        assert session.read(VERSION)


def test_only_the_one_that_was_named_is_ended(nas, truenas):
    other = Credential(truenas.username, password=truenas.password)
    with nas.held() as (_session, pid), nas.open(credential=other) as second:
        second.read(VERSION)
        [another] = [status.pid for status in overview.status() if status.pid != pid]

        assert overview.stop([another]) == [another]
        assert [status.pid for status in overview.status()] == [pid]


def test_what_crashed_is_not_shown(nas):
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(find().socket_path("crashed"))

    assert overview.status() == []


def test_what_hangs_is_not_waited_for(nas, monkeypatch):
    monkeypatch.setattr(overview, "ANSWER_WITHIN", 0.1)
    with nas.held() as (_session, pid):
        os.kill(pid, signal.SIGSTOP)

        assert overview.status() == []
        assert overview.stop() == []
        os.kill(pid, signal.SIGKILL)


def test_where_there_can_be_none_the_reason_is_told(monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/no/such/folder")
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/folder/either")

    with pytest.raises(NoRendezvous, match="/no/such/folder: No such file or directory"):
        overview.status()
