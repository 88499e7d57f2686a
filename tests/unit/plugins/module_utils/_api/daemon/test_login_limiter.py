# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the logins that processes count together."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import login
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.login_limiter import LoginRateLimiter, cost
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import find
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint, Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import RateLimited
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session
from tests.simulator.running import running_simulator

ENDPOINT = Endpoint("nas")
PLAIN = ("auth.login_ex", [{"mechanism": "API_KEY_PLAIN"}])
SCRAM = ("auth.login_ex", [{"mechanism": "SCRAM", "scram_type": "CLIENT_FIRST_MESSAGE"}])
MECHANISMS = ("auth.mechanism_choices", [])
SCRAM_END = ("auth.login_ex", [{"mechanism": "SCRAM", "scram_type": "CLIENT_FINAL_MESSAGE"}])


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def budget(clock, **options):
    return LoginRateLimiter(find(), options.pop("endpoint", ENDPOINT), clock=clock, **options)


def refuses(counted, call=PLAIN):
    try:
        counted.admit(*call)
    except RateLimited:
        return True
    return False


def test_twenty_logins_are_let_through_and_no_more(clock):
    for _number in range(20):
        budget(clock).admit(*PLAIN)

    with pytest.raises(RateLimited, match="nas allows 20 logins a minute from one address"):
        budget(clock).admit(*PLAIN)


def test_a_login_counts_for_a_little_more_than_a_minute(clock):
    counted = budget(clock, limit=1)
    counted.admit(*PLAIN)

    clock.now += 61
    assert refuses(counted)
    clock.now += 2
    assert not refuses(counted)


def test_a_scram_login_is_begun_only_where_there_is_room_for_both_of_its_calls(clock):
    counted = budget(clock, limit=3)
    counted.admit(*SCRAM)
    counted.admit(*SCRAM_END)

    assert refuses(counted, SCRAM)
    assert not refuses(counted, PLAIN)


def test_what_is_no_part_of_a_login_costs_nothing():
    assert cost("system.version", []) == 0


def test_the_question_for_mechanisms_has_a_count_of_its_own(clock):
    counted = budget(clock, limit=1)
    counted.admit(*PLAIN)
    counted.admit(*MECHANISMS)

    assert refuses(counted, PLAIN)
    assert refuses(counted, MECHANISMS)


def test_a_refusal_costs_nothing(clock):
    counted = budget(clock, limit=1, window=10)
    counted.admit(*PLAIN)
    clock.now += 6
    assert refuses(counted)
    clock.now += 6

    assert not refuses(counted)


def test_each_nas_has_its_own_count(clock):
    budget(clock, limit=1).admit(*PLAIN)

    assert not refuses(budget(clock, limit=1, endpoint=Endpoint("other")))
    assert refuses(budget(clock, limit=1, endpoint=Endpoint("NAS")))


def test_a_clock_that_was_set_back_locks_no_client_out(clock):
    counted = budget(clock, limit=1)
    counted.admit(*PLAIN)

    clock.now -= 500
    assert not refuses(counted)


@pytest.mark.parametrize(
    "content", [b"", b"not json", b'{"a": 1}', b'["a", null]', b'{"auth.login_ex": ["a"]}', b'{"auth.login_ex": 7}']
)
def test_an_invalid_file_is_replaced(clock, runtime_directory, content):
    counted = budget(clock, limit=1)
    counted.admit(*PLAIN)
    [file] = runtime_directory.glob("logins-*")
    file.write_bytes(content)

    assert not refuses(counted)
    assert refuses(counted)


def test_without_a_file_it_is_left_to_the_nas(clock, runtime_directory):
    counted = budget(clock, limit=1)
    runtime_directory.rmdir()

    assert not refuses(counted)
    assert not refuses(counted)


@pytest.mark.parametrize("mechanism", ["plain", "auto"])
def test_many_sessions_wait_for_each_other_and_the_nas_refuses_none(monkeypatch, mechanism):
    notices = []
    monkeypatch.setattr(login, "FIRST_PAUSE_S", 0.1)
    with running_simulator(engine="paper", login_limit=2, login_window=0.5) as simulator:
        endpoint = Endpoint(simulator.host, simulator.port, ca_path=simulator.ca_file)
        credential = Credential(simulator.username, api_key=simulator.api_key, mechanism=mechanism)
        counted = LoginRateLimiter(find(), endpoint, limit=2, window=0.6)

        def log_in():
            timeouts = Timeouts(login_wait=20)
            with Session(
                endpoint, credential, timeouts=timeouts, notice=notices.append, admit=counted.admit
            ) as session:
                session.connect()

        threads = [threading.Thread(target=log_in) for _number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert simulator.stats.logins == simulator.stats.login_attempts == 4
        assert simulator.stats.calls["auth.mechanism_choices"] == (4 if mechanism == "auto" else 0)
        assert simulator.stats.rate_limited == 0
        assert "waiting up to 20 s to log in" in notices[0]


def test_a_session_that_may_not_wait_longer_says_so():
    with running_simulator(engine="paper") as simulator:
        endpoint = Endpoint(simulator.host, simulator.port, ca_path=simulator.ca_file)
        credential = Credential(simulator.username, api_key=simulator.api_key, mechanism="plain")
        admit = LoginRateLimiter(find(), endpoint, limit=0).admit

        session = Session(endpoint, credential, timeouts=Timeouts(login_wait=0), admit=admit)
        with session, pytest.raises(RateLimited, match="Run fewer tasks at the same time, or increase"):
            session.connect()
        assert simulator.stats.login_attempts == 0
