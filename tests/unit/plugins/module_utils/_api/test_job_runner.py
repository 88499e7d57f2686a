# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One job from its start to its end, over connections that the test plays."""

from __future__ import annotations

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import job_runner
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    ConnectionLost,
    Invalid,
    JobAborted,
    LoginRefused,
    OutcomeUnknown,
    RateLimited,
    Refused,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.job_runner import JobRun
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import JobTable, Progress, job

METHOD = "virt.instance.start"
PARAMS = ["px-a"]
LOST = "lost the connection to nas.lan"


def a_job(state="RUNNING", percent=0, *, identity=7, arguments=None, message_ids=None, **fields):
    return job(
        {
            "id": identity,
            "method": METHOD,
            "arguments": list(PARAMS if arguments is None else arguments),
            "state": state,
            "progress": {"percent": percent, "description": f"at {percent}"},
            "message_ids": message_ids,
            **fields,
        }
    )


class PlayedConnection:
    """Return `reply` to the call, send `news` one by one, and return `rows` to queries; errors are raised."""

    def __init__(self, reply=7, news=(), rows=(), known=()):
        self.highest_job_id = 6
        self.calls = []
        self.looked_up = []
        self._reply = reply
        self._news = list(news)
        self._rows = list(rows)
        self._book = JobTable()
        for item in known:
            self._book.note(item)

    def follow_jobs(self, *, timeout):
        pass

    def call(self, method, params, *, timeout, request_id, changes):
        assert changes, "a job changes something"
        self.calls.append((method, list(params)))
        return self._given(self._reply)

    def look_up_jobs(self, filters, *, timeout):
        self.looked_up.append(filters)
        rows = [self._given(row) for row in self._rows]
        for row in rows:
            self._book.note(row)
        return rows

    def job(self, identity):
        return self._book.get(identity)

    def wait_for_update(self, identity, known, *, timeout):
        if self._news and (news := self._given(self._news.pop(0))) is not None:
            self._book.note(news)
        return self._book.get(identity)

    def forget_job(self, identity):
        self._book.forget(identity)

    @staticmethod
    def _given(item):
        if isinstance(item, Exception):
            raise item
        return item


class Clock:
    """A second passes each time it is looked at."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1
        return self.now


def run(*connections, timeout=900, progress=None):
    waiting = list(connections)

    def converse(action, timeout):
        while True:
            if isinstance(waiting[0], Exception):
                raise waiting[0]
            try:
                return action(waiting[0], timeout)
            except ConnectionLost:
                waiting.pop(0)

    started = JobRun(
        converse, METHOD, PARAMS, nas="nas.lan", call_timeout=60, timeout=timeout, progress=progress, clock=Clock()
    )
    return started.result()


def test_the_result_of_a_job_is_returned():
    connection = PlayedConnection(
        news=[a_job(percent=50), a_job("SUCCESS", 100, result={"name": "px-a"})], known=[a_job()]
    )

    assert run(connection) == {"name": "px-a"}
    assert connection.job(7) is None


def test_a_job_that_ended_before_its_id_was_known_is_found():
    assert run(PlayedConnection(known=[a_job("SUCCESS", 100, result=1)])) == 1


def test_progress_is_reported_when_it_changes():
    reported = []
    news = [a_job(percent=20), a_job(percent=20), a_job(percent=60), a_job("SUCCESS", 100)]

    run(PlayedConnection(news=news, known=[a_job("WAITING", 0)]), progress=reported.append)

    assert reported == [Progress(0, "at 0"), Progress(20, "at 20"), Progress(60, "at 60"), Progress(100, "at 100")]


def test_what_is_no_job_on_this_release_is_done_when_it_answers():
    assert run(PlayedConnection(reply=None)) is None
    assert run(PlayedConnection(reply=True)) is True


def test_silence_is_broken_by_asking():
    connection = PlayedConnection(known=[a_job()], news=[None], rows=[a_job("SUCCESS", 100, result=1)])

    assert run(connection) == 1
    assert connection.looked_up == [[["id", "=", 7]]]


def test_a_job_without_an_event_is_queried():
    assert run(PlayedConnection(rows=[a_job("SUCCESS", result=1)])) == 1


def test_an_aborted_job_is_no_success():
    with pytest.raises(JobAborted, match=r"aborted on nas\.lan \(job 7\)"):
        run(PlayedConnection(known=[a_job("ABORTED")]))


def test_a_failed_job_fails_as_its_call_would():
    validation = {"type": "VALIDATION", "errno": None, "extra": [["id", "Field required", 22]]}

    with pytest.raises(Invalid, match="id: Field required"):
        run(PlayedConnection(known=[a_job("FAILED", error="x", exc_info=validation)]))
    with pytest.raises(Refused, match="boom") as caught:
        run(
            PlayedConnection(
                known=[a_job("FAILED", error="[EFAULT] boom", exc_info={"type": "CallError", "errno": 14})]
            )
        )
    assert caught.value.errno == 14


def test_another_users_job_that_merged_with_the_request_is_refused_and_not_waited_for():
    substitute = a_job("WAITING", arguments=["px-b"], message_ids=["mine"])

    with pytest.raises(Refused, match="did not start virt.instance.start"):
        run(PlayedConnection(known=[substitute]))


def test_a_job_that_takes_too_long_goes_on_and_its_id_is_reported():
    connection = PlayedConnection(known=[a_job(percent=30)], news=[a_job(percent=30)] * 100)

    with pytest.raises(TimedOut, match=r"job 7 continues there, at 30 %"):
        run(connection, timeout=5)


def test_a_job_is_found_again_after_a_lost_connection():
    first = PlayedConnection(known=[a_job()], news=[ConnectionLost(LOST, sent=True)], rows=[ConnectionLost(LOST)])
    second = PlayedConnection(rows=[a_job("SUCCESS", result=1)])

    assert run(first, second) == 1
    assert second.calls == []


def test_a_start_that_certainly_did_not_leave_is_repeated():
    first = PlayedConnection(reply=ConnectionLost(LOST, sent=False))
    second = PlayedConnection(known=[a_job("SUCCESS", result=1)])

    assert run(first, second) == 1
    assert len(second.calls) == 1


def test_a_lost_answer_is_looked_for_and_the_job_not_started_twice(monkeypatch):
    monkeypatch.setattr(job_runner, "new_id", lambda: "mine")
    first = PlayedConnection(reply=ConnectionLost(LOST, sent=True), rows=[ConnectionLost(LOST)])
    other = a_job(identity=8, arguments=["px-b"], message_ids=["theirs"])
    second = PlayedConnection(rows=[other, a_job("SUCCESS", message_ids=["mine"], result=1)])

    assert run(first, second) == 1
    assert second.calls == []
    assert second.looked_up[0] == [["method", "=", METHOD], ["id", ">", 6]]


def test_a_lost_answer_without_a_job_leaves_the_outcome_unknown():
    connection = PlayedConnection(reply=ConnectionLost(LOST, sent=True))

    with pytest.raises(OutcomeUnknown, match="its job was not found"):
        run(connection)


def test_a_job_the_nas_no_longer_knows_leaves_the_outcome_unknown():
    with pytest.raises(OutcomeUnknown, match="no longer shows job 7"):
        run(PlayedConnection())


def test_a_restarted_nas_may_give_the_id_to_another_job():
    first = PlayedConnection(known=[a_job()], news=[ConnectionLost(LOST, sent=True)], rows=[ConnectionLost(LOST)])
    second = PlayedConnection(rows=[a_job(arguments=["px-b"])])

    with pytest.raises(OutcomeUnknown, match="middleware restarted"):
        run(first, second)


@pytest.mark.parametrize(
    "trouble",
    [ConnectionFailed("down"), LoginRefused("revoked"), RateLimited("wait"), TimedOut("slow")],
    ids=lambda trouble: type(trouble).__name__,
)
def test_a_failed_check_leaves_the_outcome_unknown(trouble):
    first = PlayedConnection(known=[a_job()], news=[ConnectionLost(LOST, sent=True)], rows=[ConnectionLost(LOST)])

    with pytest.raises(OutcomeUnknown, match=str(trouble)):
        run(first, trouble)


def test_a_job_whose_start_is_answered_too_late_is_found_and_followed():
    connection = PlayedConnection(reply=TimedOut("late", pending=True), rows=[a_job("SUCCESS", result="done")])

    assert run(connection) == "done"


def test_a_job_whose_start_is_answered_too_late_and_that_is_not_there_may_still_come():
    with pytest.raises(OutcomeUnknown, match="late, and its job was not found: it may or may not have started"):
        run(PlayedConnection(reply=TimedOut("late", pending=True)))


def test_a_call_that_did_not_leave_in_time_has_started_nothing():
    with pytest.raises(TimedOut, match="busy"):
        run(PlayedConnection(reply=TimedOut("busy")))
