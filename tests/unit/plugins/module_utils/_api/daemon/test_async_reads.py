# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of reads that no thread waits for, alone and as a daemon does them."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import connection
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.async_reads import NeedsThread, read
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound, TimedOut, UnexpectedReply
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session

VERSION = "system.version"


@pytest.fixture
def session(nas):
    with Session(nas.endpoint, nas.credential, timeouts=Timeouts(connect=5, call=10, login_wait=5)) as session:
        session.connect()
        yield session


def reading(session, method, *params, timeout=10.0):
    return asyncio.run(read(session.connection, session.nas, method, params, timeout_s=timeout))


def read_again(session, method, *params, timeout=10.0):
    """The same, where nothing but another thread of this test can be in the way."""
    for _attempt in range(100):
        with contextlib.suppress(NeedsThread):
            return reading(session, method, *params, timeout=timeout)
    raise AssertionError("it took patience each time")


def test_a_read_brings_what_the_session_brings(session, truenas):
    truenas.world.add_container("px-web")

    assert read_again(session, "virt.instance.query", []) == session.read("virt.instance.query", [])


def test_a_refusal_is_that_of_the_session(session, truenas):
    with pytest.raises(NotFound) as caught:
        read_again(session, "virt.instance.get_instance", "px-web")

    with pytest.raises(NotFound) as expected:
        session.read("virt.instance.get_instance", "px-web")
    assert str(caught.value) == str(expected.value)
    assert truenas.stats.calls["virt.instance.get_instance"] == 2


@pytest.mark.parametrize("error", ["5", '{"code":-32001,"data":{"reason":' + "[" * 600 + "]" * 600 + "}}"])
def test_an_invalid_error_is_an_unexpected_reply(session, truenas, error):
    truenas.faults.add("answer_with", method=VERSION, text=f'{{"jsonrpc":"2.0","id":"ID","error":{error}}}')

    with pytest.raises(UnexpectedReply, match=VERSION):
        read_again(session, VERSION)

    assert read_again(session, VERSION) == session.read(VERSION)


def test_a_read_has_its_time_and_leaves_nothing_behind(session, truenas):
    truenas.faults.add("delay", method=VERSION, seconds=0.3)

    with pytest.raises(TimedOut, match=f"{VERSION} on .* no reply within 0.05 s"):
        read_again(session, VERSION, timeout=0.05)

    assert read_again(session, VERSION) == session.read(VERSION)


def test_a_client_that_disconnects_leaves_nothing_behind(session, truenas):
    truenas.faults.add("delay", method=VERSION, seconds=0.3, times=connection.IN_FLIGHT + 1)

    async def go_away():
        for _caller in range(connection.IN_FLIGHT + 1):
            task = asyncio.create_task(read(session.connection, session.nas, VERSION, (), timeout_s=10))
            await asyncio.sleep(0.01)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    asyncio.run(go_away())

    assert read_again(session, "core.ping") == "pong"


@pytest.mark.parametrize("fault", ["drop_before_call", "drop_before_reply"])
def test_a_lost_connection_requires_a_thread(session, truenas, fault):
    truenas.faults.add(fault, method=VERSION)

    with pytest.raises(NeedsThread):
        reading(session, VERSION)


def test_a_login_that_ended_requires_a_thread(session):
    session.call("auth.logout")

    with pytest.raises(NeedsThread):
        reading(session, VERSION)


def test_more_calls_than_there_are_slots_require_a_thread(session, truenas):
    truenas.faults.add("delay", method=VERSION, seconds=0.3, times=connection.IN_FLIGHT)

    async def all_at_once():
        reads = (
            read(session.connection, session.nas, VERSION, (), timeout_s=10)
            for _caller in range(connection.IN_FLIGHT + 1)
        )
        return await asyncio.gather(*reads, return_exceptions=True)

    outcomes = asyncio.run(all_at_once())

    assert any(isinstance(outcome, NeedsThread) for outcome in outcomes)
    assert {outcome for outcome in outcomes if not isinstance(outcome, NeedsThread)} == {session.read(VERSION)}


def test_too_many_calls_at_the_same_time_take_longer(session, truenas, monkeypatch):
    monkeypatch.setattr(connection, "IN_FLIGHT", 100)
    truenas.faults.add("delay", method=VERSION, seconds=0.5, times=100)
    with Session(
        session._endpoint, session._credential, timeouts=Timeouts(connect=5, call=10, login_wait=5)
    ) as crowded:
        crowded.connect()

        async def all_at_once():
            reads = (read(crowded.connection, crowded.nas, VERSION, (), timeout_s=10) for _caller in range(30))
            return await asyncio.gather(*reads, return_exceptions=True)

        outcomes = asyncio.run(all_at_once())

    assert sum(isinstance(outcome, NeedsThread) for outcome in outcomes) >= 10
    assert {outcome for outcome in outcomes if not isinstance(outcome, NeedsThread)} == {session.read(VERSION)}


@pytest.mark.parametrize("trouble", ["drop_before_call", "drop_before_reply", "logout", "delay"])
def test_a_daemon_retries_a_read(nas, truenas, trouble):
    with nas.held() as (session, _pid):
        if trouble == "logout":
            session.call("auth.logout")
        else:
            truenas.faults.add(trouble, method=VERSION, **({"seconds": 0.2} if trouble == "delay" else {}))

        assert session.read(VERSION) == f"TrueNAS-{truenas.release.version}"

    assert truenas.stats.logins == (1 if trouble == "delay" else 2)
