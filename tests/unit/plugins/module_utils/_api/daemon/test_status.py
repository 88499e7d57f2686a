# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the status of session daemons, and stopping them."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import protocol, runtime_dir
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import status as daemon_status
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client_connection import DaemonGone
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.launcher import connect_and_greet
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import NoRuntimeDir, find
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential
from tests.unit.plugins.module_utils._api.daemon.conftest import SECONDS, lives

VERSION = "system.version"


def test_a_user_sees_the_daemons_of_that_user(nas, truenas):
    with nas.held(idle=30) as (session, pid):
        session.read(VERSION)
        [status] = daemon_status.status()

    assert (status.pid, status.nas, status.username) == (pid, nas.endpoint.nas, truenas.username)
    assert (status.clients, status.calls, status.calls_under_way, status.idle) == (1, 2, 0, 30)
    assert status.age >= 0
    assert status.is_current


def test_reading_the_state_makes_no_call(nas, truenas):
    with nas.held():
        daemon_status.status()

    assert truenas.stats.calls[VERSION] == 1


def test_without_daemons_there_is_nothing_to_see_or_to_end():
    assert daemon_status.status() == []
    assert daemon_status.stop() == []


def test_a_daemon_is_ended(nas, truenas, runtime_directory):
    with nas.held() as (session, pid):
        assert daemon_status.stop() == [pid]

        assert not lives(pid)
        assert list(runtime_directory.glob("*.sock")) == []
        assert session.read(VERSION)


def test_only_the_one_that_was_named_is_ended(nas, truenas):
    other = Credential(truenas.username, password=truenas.password)
    with nas.held() as (_session, pid), nas.open(credential=other) as second:
        second.read(VERSION)
        [another] = [status.pid for status in daemon_status.status() if status.pid != pid]

        assert daemon_status.stop([another]) == [another]
        assert [status.pid for status in daemon_status.status()] == [pid]


def test_what_crashed_is_not_shown(nas):
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(find().socket_path("crashed"))

    assert daemon_status.status() == []


@pytest.fixture
def quick(monkeypatch):
    """What does not respond is not waited for."""
    monkeypatch.setattr(protocol, "RESPONSE_TIMEOUT_S", 0.1)


def test_a_stopped_daemon_is_shown_as_not_responding_and_is_killed(nas, monkeypatch):
    with nas.held() as (_session, pid):
        os.kill(pid, signal.SIGSTOP)
        # Not before: on a busy machine a daemon that runs would not respond in time.
        monkeypatch.setattr(protocol, "RESPONSE_TIMEOUT_S", 0.1)

        [found] = daemon_status.status()
        assert (found.pid, found.nas, found.responding, found.username) == (pid, nas.endpoint.nas, False, None)
        assert daemon_status.stop() == [pid]
        assert not lives(pid)
        assert daemon_status.status() == []


def answers_at_once(monkeypatch, inode):
    """Wait for the daemon of one socket only: all others are known to be stopped."""

    def greet(path):
        return connect_and_greet(path, timeout=None if os.stat(path).st_ino == inode else 0.02)

    monkeypatch.setattr(daemon_status, "connect_and_greet", greet)


def test_a_daemon_that_was_replaced_is_still_shown_and_ended(nas, monkeypatch, give_up_soon, runtime_directory):
    with nas.held() as (session, pid):
        [path] = runtime_directory.glob("*.sock")
        os.kill(pid, signal.SIGSTOP)
        give_up_soon()
        session.read(VERSION)
        answers_at_once(monkeypatch, os.stat(path).st_ino)

        shown = {each.pid: each.responding for each in daemon_status.status()}
        [another] = shown.keys() - {pid}
        assert shown == {pid: False, another: True}
        assert daemon_status.stop([pid]) == [pid]
        assert [each.pid for each in daemon_status.status()] == [another]


def test_all_daemons_are_asked_at_the_same_time(monkeypatch):
    both = threading.Barrier(2, timeout=SECONDS)

    def greet(_path):
        both.wait()
        raise DaemonGone(taken=False)

    monkeypatch.setattr(daemon_status, "connect_and_greet", greet)
    with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as another:
        one.bind(find().socket_path("one"))
        another.bind(find().socket_path("another"))

        assert daemon_status.status() == []
        assert daemon_status.stop() == []


def test_a_silent_listener_is_shown_and_not_killed_by_mistake(quick):
    with socket.socket(socket.AF_UNIX) as deadlocked:
        deadlocked.bind(find().socket_path("deadlocked"))
        deadlocked.listen()

        [found] = daemon_status.status()
        assert (found.responding, found.pid) == (False, None)
        assert daemon_status.stop() == []


def test_a_listener_whose_queue_is_full_is_shown_as_not_responding(quick):
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
        busy.bind(find().socket_path("busy"))
        busy.listen(0)
        first.connect(find().socket_path("busy"))

        assert [found.responding for found in daemon_status.status()] == [False]
        assert daemon_status.stop() == []


def test_a_socket_of_another_user_is_not_used(monkeypatch):
    monkeypatch.setattr(runtime_dir, "peer_uid", lambda connection: 12345)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(find().socket_path("other"))
        other.listen()

        assert (daemon_status.status(), daemon_status.stop()) == ([], [])


def test_where_there_can_be_none_the_reason_is_reported(monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/no/such/folder")
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/folder/either")

    with pytest.raises(NoRuntimeDir, match="/no/such/folder: No such file or directory"):
        daemon_status.status()
