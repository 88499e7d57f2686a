# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One live connection, talked to through a transport that the test plays."""

from __future__ import annotations

import json
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api import connection as module
from ansible_collections.pixels.truenas.plugins.module_utils._api.connection import Connection
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionLost,
    Invalid,
    NotFound,
    TimedOut,
    UnexpectedReply,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.heartbeat import Heartbeat
from ansible_collections.pixels.truenas.plugins.module_utils._api.redaction import Redactor

SOON = 10


class PlayedTransport:
    """The NAS's side of the wire is the test: `asked()` is what came, `say()` is what goes back."""

    def __init__(self):
        self.last_received = time.monotonic()
        self.pings = 0
        self.released = threading.Event()
        self.breaks_on_send = False
        self.is_in_the_way = False
        self._out = queue.Queue()
        self._in = queue.Queue()

    def send(self, text):
        if self.breaks_on_send:
            raise ConnectionLost("lost the connection to nas.lan: it took no more data")
        self._out.put(json.loads(text))

    def send_unblocked(self, text):
        if not self.is_in_the_way:
            self.send(text)
        return not self.is_in_the_way

    def ping(self):
        self.pings += 1

    def receive(self, timeout):
        try:
            item = self._in.get(timeout=timeout)
        except queue.Empty:
            return None
        if item is None:
            raise ConnectionLost("lost the connection to nas.lan: the connection broke off")
        return item

    def hang_up(self, *, politely=False):
        self._in.put(None)

    def release(self):
        self.released.set()

    def asked(self):
        return self._out.get(timeout=SOON)

    def say(self, message):
        self._in.put(message if isinstance(message, str) else json.dumps({"jsonrpc": "2.0", **message}))

    def answer(self, request, result=None, **error):
        self.say({"id": request["id"], **({"error": error} if error else {"result": result})})

    def tell(self, **job):
        news = {"msg": "changed", "collection": "core.get_jobs", "id": job["id"], "fields": {"method": "m", **job}}
        self.say({"method": "collection_update", "params": news})

    @property
    def has_more(self):
        return not self._out.empty()


@pytest.fixture
def wire():
    return PlayedTransport()


@pytest.fixture
def connection(wire):
    opened = Connection(wire, "nas.lan")
    opened.logins = 1
    yield opened
    opened.close()


@pytest.fixture
def threads():
    with ThreadPoolExecutor(16) as pool:
        yield pool


def test_each_call_gets_its_own_answer_in_any_order(connection, wire, threads):
    calls = [threads.submit(connection.call, f"m{number}", [], timeout=SOON) for number in range(5)]
    requests = [wire.asked() for _call in calls]

    for request in reversed(requests):
        wire.answer(request, f"answer to {request['method']}")

    assert [call.result(SOON) for call in calls] == [f"answer to m{number}" for number in range(5)]


def test_at_most_ten_calls_are_in_flight(connection, wire, threads):
    calls = [threads.submit(connection.call, "m", [], timeout=SOON) for _number in range(12)]
    requests = [wire.asked() for _number in range(10)]

    assert not wire.has_more

    for request in requests:
        wire.answer(request, 1)
    for _number in range(2):
        wire.answer(wire.asked(), 1)
    assert [call.result(SOON) for call in calls] == [1] * 12


def test_a_late_answer_is_thrown_away(connection, wire, threads):
    with pytest.raises(TimedOut, match=r"slow on nas\.lan timed out: no reply within 0\.01 s; it may still be running"):
        connection.call("slow", [], timeout=0.01)
    wire.answer(wire.asked(), "too late")

    call = threads.submit(connection.call, "next", [], timeout=SOON)
    wire.answer(wire.asked(), "in time")

    assert call.result(SOON) == "in time"


def test_the_wait_for_a_free_slot_is_bounded(connection, wire, threads):
    for _number in range(10):
        threads.submit(connection.call, "m", [], timeout=SOON)
    requests = [wire.asked() for _number in range(10)]

    with pytest.raises(TimedOut):
        connection.call("eleventh", [], timeout=0.01)

    assert not wire.has_more
    for request in requests:
        wire.answer(request)


def test_a_call_refused_for_too_many_at_the_same_time_is_made_again(connection, wire, threads):
    call = threads.submit(connection.call, "m", [1], timeout=SOON)
    first = wire.asked()
    wire.answer(first, code=-32000, message="Maximum number of concurrent calls (20) has exceeded")

    second = wire.asked()
    wire.answer(second, "done")

    assert first == second
    assert call.result(SOON) == "done"


def test_too_many_at_the_same_time_is_given_up_in_time(connection, wire, threads):
    call = threads.submit(connection.call, "m", [], timeout=0.1)
    wire.answer(wire.asked(), code=-32000, message="Maximum number of concurrent calls (20) has exceeded")

    with pytest.raises(TimedOut, match="too many calls are running"):
        call.result(SOON)


def test_an_error_has_a_class_of_the_collection(connection, wire, threads):
    call = threads.submit(connection.call, "m", [], timeout=SOON)
    data = {"error": 2, "errname": "ENOENT", "reason": "[ENOENT] gone", "trace": {"formatted": "S3CRET"}}
    wire.answer(wire.asked(), code=-32001, message="Method call error", data=data)

    with pytest.raises(NotFound, match="gone") as caught:
        call.result(SOON)
    assert caught.value.__cause__ is None
    assert "S3CRET" not in str(vars(caught.value))


def test_an_error_without_an_id_fails_no_call(connection, wire, threads):
    call = threads.submit(connection.call, "m", [], timeout=SOON)
    request = wire.asked()
    wire.say({"id": None, "error": {"code": -32603, "message": "Failed to JSON serialize server message"}})
    wire.answer(request, "done")

    assert call.result(SOON) == "done"


@pytest.mark.parametrize(
    ("logins", "method", "limit"), [(0, "m", 8192), (1, "m", 65536), (1, "filesystem.file_receive", 2097152)]
)
def test_a_request_over_the_limit_is_not_sent(connection, wire, logins, method, limit):
    connection.logins = logins

    with pytest.raises(Invalid, match=f"TrueNAS accepts at most {limit}"):
        connection.call(method, ["x" * limit], timeout=SOON)

    assert not wire.has_more


@pytest.mark.parametrize("value", [object(), {"$date": "x"}, float("inf")])
def test_what_cannot_be_expressed_is_not_sent(connection, wire, value):
    with pytest.raises(Invalid, match="cannot send m to"):
        connection.call("m", [value], timeout=SOON)

    assert not wire.has_more


def test_calls_in_flight_learn_that_their_answer_is_lost(connection, wire, threads):
    calls = [threads.submit(connection.call, "m", [], timeout=SOON) for _number in range(3)]
    for _call in calls:
        wire.asked()

    wire.hang_up()

    for call in calls:
        with pytest.raises(ConnectionLost) as caught:
            call.result(SOON)
        assert caught.value.sent
    assert wire.released.wait(SOON)


def test_a_call_on_a_lost_connection_is_known_not_to_have_left(connection, wire):
    wire.hang_up()
    wire.released.wait(SOON)

    with pytest.raises(ConnectionLost) as caught:
        connection.call("m", [], timeout=SOON)

    assert not connection.is_alive
    assert not caught.value.sent


def test_a_call_that_fails_while_it_is_sent_is_known_not_to_have_arrived(connection, wire):
    wire.breaks_on_send = True

    with pytest.raises(ConnectionLost) as caught:
        connection.call("m", [], timeout=SOON)

    assert not caught.value.sent


def test_something_that_is_not_json_rpc_ends_the_connection(connection, wire, threads):
    call = threads.submit(connection.call, "m", [], timeout=SOON)
    wire.asked()

    wire.say("SSH-2.0-OpenSSH_9.6")

    with pytest.raises(ConnectionLost, match="not JSON-RPC"):
        call.result(SOON)


def test_a_connection_without_a_sign_of_life_is_given_up(wire, threads):
    connection = Connection(wire, "nas.lan", heartbeat=Heartbeat(time.monotonic(), every=0.01, within=0.05))
    call = threads.submit(connection.call, "m", [], timeout=SOON)

    with pytest.raises(ConnectionLost, match="stopped responding"):
        call.result(SOON)

    assert wire.pings


def test_a_call_can_be_made_without_waiting_for_its_answer(connection, wire):
    with connection.start_call("virt.instance.query", [[]]) as answer:
        request = wire.asked()
        assert not answer.done()
        wire.answer(request, [{"name": "px-web"}])

        assert answer.result(SOON).result == [{"name": "px-web"}]
    assert (request["method"], request["params"]) == ("virt.instance.query", [[]])


def test_without_waiting_nothing_is_asked_where_no_slot_is_free(connection, wire, threads):
    calls = [threads.submit(connection.call, "a.b", [], timeout=SOON) for _number in range(10)]
    requests = [wire.asked() for _call in calls]

    with connection.start_call("c.d", []) as answer:
        assert answer is None

    for request in requests:
        wire.answer(request, True)
    assert all(call.result() for call in calls)
    assert wire._out.empty()


@pytest.mark.parametrize("trouble", ["is_in_the_way", "breaks_on_send"])
def test_without_waiting_nothing_is_asked_where_it_cannot_leave(connection, wire, trouble):
    setattr(wire, trouble, True)

    with connection.start_call("a.b", []) as answer:
        assert answer is None

    assert wire._out.empty()


def test_a_client_that_does_not_wait_gives_its_slot_back(connection, wire):
    for _number in range(module.IN_FLIGHT + 1):
        with connection.start_call("a.b", []) as answer:
            assert answer is not None
            wire.asked()


def test_an_answer_that_no_call_waits_for_does_no_harm(connection, wire, threads):
    with connection.start_call("a.b", []) as answer:
        late = wire.asked()
        assert not answer.cancel()
    wire.answer(late, "late")

    call = threads.submit(connection.call, "c.d", [], timeout=SOON)
    wire.answer(wire.asked(), "in time")
    assert call.result() == "in time"


def test_without_waiting_a_lost_connection_is_reported(connection, wire):
    with connection.start_call("a.b", []) as answer:
        wire.hang_up()

        assert isinstance(answer.exception(SOON), ConnectionLost)
    with connection.start_call("a.b", []) as answer:
        assert answer is None


def test_what_cannot_be_expressed_is_refused_without_waiting_too(connection, wire):
    with pytest.raises(Invalid), connection.start_call("a.b", [float("nan")]):
        pass

    assert wire._out.empty()


def test_jobs_are_subscribed_to_once(connection, wire, threads):
    following = threads.submit(connection.follow_jobs, timeout=SOON)
    subscription = wire.asked()
    wire.tell(id=6, state="RUNNING")
    wire.answer(subscription, "uuid")
    newest = wire.asked()
    wire.answer(newest, [{"id": 5, "method": "m", "state": "SUCCESS"}])
    following.result(SOON)

    connection.follow_jobs(timeout=SOON)

    assert subscription["params"] == ["core.get_jobs"]
    assert not wire.has_more
    assert connection.highest_job_id == 6


def test_events_that_came_before_a_query_are_there(connection, wire):
    wire.tell(id=3, state="SUCCESS", result="quick")

    assert connection.wait_for_update(3, None, timeout=SOON).result == "quick"
    assert connection.job(3).state == "SUCCESS"


def test_news_of_other_jobs_and_silence_are_no_news(connection, wire):
    wire.tell(id=3, state="RUNNING")
    known = connection.wait_for_update(3, None, timeout=SOON)
    wire.tell(id=4, state="RUNNING")

    assert connection.wait_for_update(3, known, timeout=0.02) is known


def test_a_thread_that_waits_for_news_gets_a_lost_connection_reported(connection, wire, threads):
    waiting = threads.submit(connection.wait_for_update, 3, None, timeout=SOON)

    wire.hang_up()

    with pytest.raises(ConnectionLost):
        waiting.result(SOON)


def test_looked_up_jobs_are_asked_for_unmasked_and_remembered(connection, wire, threads):
    looking = threads.submit(connection.look_up_jobs, [["id", "=", 9]], timeout=SOON)
    request = wire.asked()
    wire.answer(request, [{"id": 9, "method": "m", "state": "RUNNING"}, "junk", {}])

    assert [job.id for job in looking.result(SOON)] == [9]
    assert request["params"] == [[["id", "=", 9]], {"extra": {"raw_result": True}}]
    assert connection.job(9).state == "RUNNING"
    connection.forget_job(9)
    assert connection.job(9) is None


def test_closing_ends_calls_and_the_listening_thread(connection, wire, threads):
    call = threads.submit(connection.call, "m", [], timeout=SOON)
    wire.asked()

    connection.close()

    with pytest.raises(ConnectionLost, match="was closed"):
        call.result(SOON)
    assert wire.released.is_set()


def test_the_limit_is_that_of_the_middleware():
    assert module.IN_FLIGHT == 10


DEEP = "[" * 600 + "]" * 600
DEEP_OBJECTS = '{"a":' * 600 + "1" + "}" * 600


@pytest.fixture
def masked(wire):
    opened = Connection(wire, "nas.lan", redact=Redactor().everywhere)
    opened.logins = 1
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "error",
    [
        "5",
        "null",
        "[]",
        '"no"',
        f'{{"code":-32001,"message":"x","data":{{"reason":{DEEP}}}}}',
        f'{{"code":-32602,"message":"x","data":{{"extra":{DEEP_OBJECTS}}}}}',
        f'{{"code":-32001,"message":{DEEP}}}',
    ],
    ids=["number", "null", "list", "text", "deep reason", "deep extra", "deep message"],
)
def test_an_invalid_error_is_an_unexpected_reply_immediately(masked, wire, threads, error):
    call = threads.submit(masked.call, "m", [], timeout=SOON)
    other = threads.submit(masked.call, "n", [], timeout=SOON)
    requests = {request["method"]: request for request in (wire.asked(), wire.asked())}
    wire.say(f'{{"jsonrpc":"2.0","id":"{requests["m"]["id"]}","error":{error}}}')
    wire.answer(requests["n"], "fine")

    with pytest.raises(UnexpectedReply, match=r"reply of nas\.lan to m: "):
        call.result(SOON / 2)
    assert other.result(SOON) == "fine"
    assert masked.is_alive


@pytest.mark.parametrize("deep", [DEEP, DEEP_OBJECTS], ids=["lists", "objects"])
@pytest.mark.parametrize("fields", ['"progress":{}', '"state":"FAILED","error":{}', '"state":"FAILED","exc_info":{}'])
def test_news_that_are_nested_too_deeply_are_no_news(masked, wire, fields, deep):
    row = f'{{"id":3,"method":"m","state":"RUNNING",{fields.replace("{}", deep)}}}'
    event = f'{{"msg":"changed","collection":"core.get_jobs","id":3,"fields":{row}}}'
    wire.say(f'{{"jsonrpc":"2.0","method":"collection_update","params":{event}}}')
    wire.tell(id=4, state="SUCCESS", result="there")

    assert masked.wait_for_update(4, None, timeout=SOON).result == "there"
    assert masked.job(3) is None
    assert masked.is_alive


def test_jobs_that_are_nested_too_deeply_are_an_unexpected_reply(masked, wire, threads):
    looking = threads.submit(masked.look_up_jobs, [["id", "=", 3]], timeout=SOON)
    row = f'{{"id":3,"method":"m","state":"RUNNING","progress":{DEEP}}}'
    wire.say(f'{{"jsonrpc":"2.0","id":"{wire.asked()["id"]}","result":[{row}]}}')

    with pytest.raises(UnexpectedReply):
        looking.result(SOON)
