# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of a session that processes share, as its clients see it."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import (
    launcher,
    protocol,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import (
    status as daemon_status,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client import SharedSession
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client_connection import DaemonConnection
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    Invalid,
    LoginRefused,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TimedOut,
)
from tests.simulator.running import running_simulator
from tests.unit.plugins.module_utils._api.daemon.conftest import Nas, lives, until

START, STOP = "virt.instance.start", "virt.instance.stop"
VERSION = "system.version"


@pytest.fixture
def web(truenas):
    return truenas.world.add_container("px-web", status="STOPPED")


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    until(lambda: not lives(pid), "the end of the daemon")


@contextlib.contextmanager
def meanwhile(action):
    """Do it in another thread; what the block gets waits for its outcome."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(action)
        yield lambda: future.result(timeout=30)


def test_one_session_after_the_other_is_one_login(nas, truenas):
    for _number in range(3):
        with nas.open() as session:
            assert session.read(VERSION) == "TrueNAS-25.10.6"

    assert (truenas.stats.connections, truenas.stats.logins) == (1, 1)


@pytest.mark.wide
def test_twenty_processes_at_the_same_time_are_one_daemon_and_one_login(nas, truenas):
    answers = nas.run_clients(forks=20)

    assert sorted(answers) == sorted(f"TrueNAS-25.10.6 for {number}" for number in range(20))
    assert (truenas.stats.connections, truenas.stats.logins) == (1, 1)
    assert len(daemon_status.status()) == 1


@pytest.mark.wide
def test_thirty_clients_do_not_trip_the_login_limit(runtime_directory):
    with running_simulator(engine="paper", login_limit=2) as simulator:
        answers = Nas(simulator).run_clients(forks=30)

        assert len(answers) == 30
        assert simulator.stats.login_attempts == 1


def test_many_threads_call_at_the_same_time(nas, truenas):
    with nas.open() as session, ThreadPoolExecutor(20) as pool:
        answers = set(pool.map(lambda number: session.read(VERSION), range(100)))

    assert len(answers) == 1
    assert truenas.stats.logins == 1
    assert truenas.stats.most_in_flight <= 10


@pytest.mark.wide
def test_a_child_made_by_fork_gets_a_connection_of_its_own(nas, truenas):
    for number in range(5):
        truenas.world.add_container(f"px-{number}")
    # They all wait at the same time: on one connection they would take each other's answers, or cut them off.
    truenas.faults.add("delay", method="virt.instance.get_instance", seconds=0.3, times=5)

    answers = nas.run_clients(
        forks=5, before_fork=True, do="call", method="virt.instance.get_instance", params=["px-{number}"]
    )

    assert sorted(answers) == [*(f"px-{number} for {number}" for number in range(5)), "the parent has TrueNAS-25.10.6"]
    assert truenas.stats.logins == 1


def test_values_come_as_they_do_from_a_session_of_ones_own(nas):
    with nas.open() as shared, nas.open(mode="direct") as direct:
        mine, ours = direct.read("auth.me"), shared.read("auth.me")

    assert isinstance(ours["privilege"]["roles"], set)
    assert ours["privilege"] == mine["privilege"]


@pytest.mark.wide
def test_requests_and_replies_of_megabytes_arrive(nas):
    content = bytes(range(256)) * 6000

    with nas.open() as session:
        session.call("filesystem.mkdir", {"path": "/mnt/tank/d", "options": {"mode": "755"}})
        session.call("filesystem.file_receive", "/mnt/tank/d/f", base64.b64encode(content).decode(), {})

        assert session.download("filesystem.get", "/mnt/tank/d/f") == content


def test_errors_are_those_of_a_session_of_ones_own(nas):
    with nas.open() as session:
        with pytest.raises(NotFound, match="the object does not exist"):
            session.read("virt.instance.get_instance", "px-nowhere")
        with pytest.raises(Invalid) as caught:
            session.read("virt.instance.get_instance", 5)

    assert caught.value.fields[0][0] is not None


@pytest.mark.parametrize("value", [1j, float("nan"), {"$set": 1}])
def test_what_cannot_be_sent_is_refused_with_the_same_message(nas, value):
    messages = []
    for options in ({}, {"mode": "direct"}):
        with nas.open(**options) as session, pytest.raises(Invalid) as caught:
            session.read(VERSION, value)
        messages.append((str(caught.value), caught.value.fields))

    assert messages[0] == messages[1]


def test_a_request_of_more_than_any_limit_is_refused(nas, monkeypatch):
    monkeypatch.setattr(protocol, "MAX_REQUEST_BYTES", 1000)

    with nas.open() as session, pytest.raises(Invalid, match=r"the request has \d+ characters"):
        session.read(VERSION, "x" * 1000)


def test_a_job_reports_its_progress_in_the_thread_of_its_client(nas, web):
    seen = []

    with nas.open() as session:
        session.run_job(START, "px-web", progress=lambda progress: seen.append((progress, threading.get_ident())))

    assert web.status == "RUNNING"
    assert seen[-1][0].percent == 100
    assert {thread for _progress, thread in seen} == {threading.get_ident()}


def test_a_client_that_is_interrupted_does_not_disturb_the_next_call(nas, web):
    class Interrupted(Exception):
        pass

    def interrupt(progress):
        raise Interrupted

    with nas.open() as session:
        with pytest.raises(Interrupted):
            session.run_job(START, "px-web", progress=interrupt)

        assert session.read(VERSION) == "TrueNAS-25.10.6"


def test_a_call_has_its_own_time(nas, truenas):
    truenas.faults.add("delay", method=VERSION, seconds=2)

    with nas.open() as session:
        with pytest.raises(TimedOut, match=r"system.version on .* no reply within 0.2 s"):
            session.read(VERSION, timeout=0.2)

        assert session.read(VERSION)


def test_the_call_timeout_of_a_later_client_applies_to_starting_a_job(nas, truenas, web):
    truenas.faults.add("delay", method=START, seconds=600)

    with nas.open(timeouts=Timeouts(call=600)) as first, nas.open(timeouts=Timeouts(call=0.2)) as later:
        assert first.read(VERSION)
        with pytest.raises(OutcomeUnknown, match=r"virt.instance.start on .* no reply within 0.2 s"):
            later.run_job(START, "px-web")

    assert truenas.stats.logins == 1


def test_waits_for_the_login_limit_are_reported_to_the_waiting_client(nas, truenas):
    truenas.faults.add("rate_limit", method="auth.login_ex", times=1)
    notices = []

    with nas.open(notice=notices.append) as session:
        session.read(VERSION)

    assert any("NAS" in text or "logins a minute" in text for text in notices)


def test_a_login_limit_that_does_not_end_is_an_error(nas, truenas):
    truenas.faults.add("rate_limit", method="auth.login_ex", times=10)

    with nas.open(timeouts=Timeouts(login_wait=0)) as session, pytest.raises(RateLimited):
        session.read(VERSION)


@pytest.mark.wide
def test_a_wrong_key_is_refused_to_its_client_and_to_no_other(nas, truenas):
    wrong = Credential(truenas.username, api_key="1-wrongS3CRET")

    with nas.open() as right, nas.open(credential=wrong) as session:
        right.read(VERSION)
        with pytest.raises(LoginRefused) as caught:
            session.read(VERSION)

        assert caught.value.response_type == "AUTH_ERR"
        assert right.read(VERSION)
    assert truenas.stats.logins == 1


@pytest.mark.wide
def test_a_refused_login_is_tried_once_for_all_waiting_clients_and_again_for_the_next(nas, truenas):
    truenas.admin.expired = True
    truenas.faults.add("delay", method="auth.login_ex", seconds=0.3)

    def why_not(_number):
        with nas.open() as session, pytest.raises(LoginRefused) as caught:
            session.read(VERSION)
        return caught.value.response_type

    with nas.open() as early, ThreadPoolExecutor(8) as pool:
        assert set(pool.map(why_not, range(8))) == {"EXPIRED"}
        assert truenas.stats.login_attempts < 8

        truenas.admin.expired = False
        assert early.read(VERSION)


def test_a_nas_that_is_not_there_is_an_error_for_all_immediately(nas, truenas):
    from dataclasses import replace

    nas.endpoint = replace(nas.endpoint, port=1)

    def why_not(_number):
        with nas.open() as session, pytest.raises(ConnectionFailed, match="refused the connection to port 1"):
            session.read(VERSION)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(why_not, range(5)))


def test_a_restarting_middleware_is_waited_for(nas, truenas):
    with nas.open() as session:
        session.read(VERSION)
        truenas.restart_middleware(seconds=0.5)
        until(lambda: truenas.stats.open_connections == 0, "the connection is cut")

        assert session.read(VERSION)
    assert truenas.stats.logins == 2


@pytest.mark.wide
def test_a_read_is_repeated_when_its_daemon_is_killed(nas, truenas):
    with nas.held() as (session, daemon_pid):
        truenas.faults.add("delay", method=VERSION, seconds=20)
        with meanwhile(lambda: session.read(VERSION)) as outcome:
            until(lambda: truenas.stats.calls[VERSION] == 2, "the call is at the NAS")
            kill(daemon_pid)

            assert outcome() == "TrueNAS-25.10.6"
        assert [status.pid for status in daemon_status.status()] != [daemon_pid]
    assert truenas.stats.logins == 2


@pytest.mark.parametrize("change", ["call", "run_job"])
@pytest.mark.wide
def test_the_outcome_of_a_change_is_unknown_when_its_daemon_is_killed(nas, truenas, web, change):
    with nas.held() as (session, daemon_pid):
        truenas.faults.add("delay", method=START, seconds=20)
        with meanwhile(lambda: getattr(session, change)(START, "px-web")) as outcome:
            until(lambda: truenas.stats.calls[START], "the call is at the NAS")
            kill(daemon_pid)

            with pytest.raises(OutcomeUnknown, match=f"{START} on .* daemon ended .* may or may not be done"):
                outcome()

        assert session.read(VERSION)
    assert truenas.stats.calls[START] == 1


@pytest.mark.wide
def test_a_change_that_the_daemon_never_took_up_is_made_by_the_next(nas, truenas, web):
    with nas.held() as (session, daemon_pid):
        os.kill(daemon_pid, signal.SIGSTOP)
        with meanwhile(lambda: session.run_job(START, "px-web")) as outcome:
            kill(daemon_pid)

            assert outcome() is True
    assert truenas.stats.calls[START] == 1
    assert web.status == "RUNNING"


@pytest.mark.wide
def test_a_daemon_that_ended_between_two_calls_is_replaced(nas, truenas, web):
    with nas.held() as (session, daemon_pid):
        kill(daemon_pid)

        session.run_job(START, "px-web")
    assert web.status == "RUNNING"
    assert truenas.stats.logins == 2


@contextlib.contextmanager
def stopped(pid):
    """A process that is stopped during the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.wide
def test_a_daemon_that_is_stopped_is_replaced_and_does_nothing_when_it_runs_again(nas, truenas, web, give_up_soon):
    with nas.held() as (session, daemon_pid):
        with stopped(daemon_pid):
            give_up_soon()
            session.run_job(START, "px-web")
            with nas.open() as another:
                assert another.read(VERSION)
        # It has read what it was sent before once it can say how it is.
        until(
            lambda: [each for each in daemon_status.status() if each.pid == daemon_pid and each.responding],
            "it runs again",
        )

    assert web.status == "RUNNING"
    assert truenas.stats.calls[START] == 1
    assert truenas.stats.logins == 2


@pytest.fixture
def silences(monkeypatch):
    """How long clients have waited for a frame of a daemon each time that none came."""
    waits = []
    receive = DaemonConnection.receive

    def receive_and_note(connection, timeout):
        received = receive(connection, timeout)
        if received is None and timeout:
            waits.append(timeout)
        return received

    monkeypatch.setattr(DaemonConnection, "receive", receive_and_note)
    return waits


@pytest.mark.parametrize("client", ["new", "connected"])
def test_a_stopped_daemon_delays_a_client_by_one_response_timeout(nas, truenas, give_up_soon, silences, client):
    assert protocol.RESPONSE_TIMEOUT_S == 2.0
    with nas.held() as (session, daemon_pid), nas.open() as another, stopped(daemon_pid):
        give_up_soon()

        assert (another if client == "new" else session).read(VERSION)

    assert silences == [0.2]
    assert truenas.stats.logins == 2


@pytest.mark.wide
def test_a_read_is_repeated_when_its_daemon_is_stopped(nas, truenas, give_up_soon):
    with nas.held() as (session, daemon_pid):
        truenas.faults.add("delay", method=VERSION, seconds=20)
        with meanwhile(lambda: session.read(VERSION)) as outcome:
            until(lambda: truenas.stats.calls[VERSION] == 2, "the call is at the NAS")
            with stopped(daemon_pid):
                give_up_soon()
                assert outcome() == "TrueNAS-25.10.6"


@pytest.mark.parametrize("change", ["call", "run_job"])
def test_the_outcome_of_a_change_is_unknown_when_its_daemon_is_stopped(nas, truenas, web, monkeypatch, change):
    monkeypatch.setattr(protocol, "SILENCE_TIMEOUT_S", 0.2)
    # Keepalives are less frequent than that, so the change ends without one.
    with nas.held() as (session, daemon_pid):
        truenas.faults.add("delay", method=START, seconds=20)
        with meanwhile(lambda: getattr(session, change)(START, "px-web")) as outcome:
            until(lambda: truenas.stats.calls[START], "the call is at the NAS")
            with (
                stopped(daemon_pid),
                pytest.raises(OutcomeUnknown, match=f"{START} on .* daemon stopped responding"),
            ):
                outcome()

    assert truenas.stats.calls[START] == 1


@pytest.mark.wide
def test_many_clients_replace_a_stopped_daemon_once(nas, truenas, runtime_directory):
    with nas.held() as held, stopped(held[1]):
        [path] = runtime_directory.glob("*.sock")
        answers = nas.run_clients(forks=12, silent=path.stat().st_ino)

    assert len(answers) == 12
    assert truenas.stats.logins == 2


@pytest.mark.wide
def test_a_shell_is_opened_though_the_daemon_is_stopped(nas, truenas, give_up_soon):
    truenas.world.add_container("px-live")
    with nas.held() as held, stopped(held[1]):
        give_up_soon()
        shell = held[0].borrow_shell({"virt_instance_id": "px-live"})
        shell.discard()

    assert truenas.stats.logins == 2


def test_where_no_daemon_can_be_started_the_client_goes_by_itself(nas, truenas, monkeypatch):
    monkeypatch.setattr(launcher, "PROGRAM", "/no/such/file")

    with nas.open() as session:
        assert isinstance(session, SharedSession)
        assert session.read(VERSION) == session.read(VERSION)
        session.call("core.ping")

    assert (truenas.stats.connections, truenas.stats.logins) == (1, 1)
    assert daemon_status.status() == []


def test_a_session_that_was_closed_can_be_used_again(nas, truenas):
    session = nas.open()
    for _time in range(2):
        assert session.read(VERSION)
        session.close()

    assert truenas.stats.logins == 1
