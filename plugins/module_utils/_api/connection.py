# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds one live connection: sends calls, gives each its own reply, and collects the news of jobs."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t
from concurrent.futures import Future

from ansible_collections.pixels.truenas.plugins.module_utils._api import ejson, jsonrpc
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionLost,
    Invalid,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.heartbeat import Heartbeat
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Job, JobBook, job
from ansible_collections.pixels.truenas.plugins.module_utils._api.refusals import refusal

# The NAS runs 10 calls of a connection at once, lets 10 more wait, and refuses the next.
IN_FLIGHT = 10
BUSY_PAUSE = 0.2
BUSY_PAUSE_AT_MOST = 3.0
LAST_WORDS = 0.5
JOBS = "core.get_jobs"


class Transport(t.Protocol):
    """What moves the text; C(transport.WebSocketTransport) is the one there is."""

    last_heard: float

    def send(self, text: str) -> None: ...
    def send_at_once(self, text: str) -> bool: ...
    def ping(self) -> None: ...
    def receive(self, timeout: float) -> str | None: ...
    def hang_up(self, *, politely: bool = False) -> None: ...
    def release(self) -> None: ...


class Connection:
    """One websocket to a NAS with a thread that listens; any number of threads may call.

    Calls raise the errors of C(errors.py): ConnectionLost when the connection breaks, TimedOut when the answer does
    not come in time (a late one is thrown away), and otherwise what the NAS has against the call.
    """

    def __init__(self, transport: Transport, nas: str, *, heartbeat: Heartbeat | None = None) -> None:
        self._nas = nas
        self._transport = transport
        self._heartbeat = heartbeat or Heartbeat(time.monotonic())
        self._slots = threading.Semaphore(IN_FLIGHT)
        self._state = threading.Lock()
        self._waiting: dict[str, Future[jsonrpc.Reply]] = {}
        self._lost: ConnectionLost | None = None
        self._subscribing = threading.Lock()
        self._subscribed = False
        self._news = threading.Condition()
        self._book = JobBook()
        self.logins = 0
        self._listener = threading.Thread(target=self._listen, name=f"pixels listens to {nas}", daemon=True)
        self._listener.start()

    @property
    def is_alive(self) -> bool:
        return self._lost is None

    def call(self, method: str, params: t.Sequence[t.Any], *, timeout: float, request_id: str | None = None) -> t.Any:
        """Call a method and return its result; C(timeout) is in seconds and includes the wait for a free slot."""
        deadline = time.monotonic() + timeout
        identity = request_id or jsonrpc.new_id()
        text = self._request(identity, method, params)
        too_late = self.too_late(method, timeout)
        pause = BUSY_PAUSE
        while True:
            reply = self._exchange(identity, text, deadline, too_late)
            if reply.error is None:
                return reply.result
            if reply.error.code != jsonrpc.TOO_MANY_CALLS:
                raise refusal(reply.error, method=method, nas=self._nas)
            # Nothing ran: other calls of this connection were in the way.
            if time.monotonic() + pause > deadline:
                raise TimedOut(f"{self._nas} had too many calls at once to take {method} within {timeout:g} s")
            time.sleep(pause)
            pause = min(pause * 2, BUSY_PAUSE_AT_MOST)

    @contextlib.contextmanager
    def asking(self, method: str, params: t.Sequence[t.Any]) -> t.Iterator[Future[jsonrpc.Reply] | None]:
        """A call whose answer no thread waits for: it is under way during the block.

        None where it would have to wait before it leaves, for a free slot or for the NAS; then it did not leave.
        """
        identity = jsonrpc.new_id()
        text = self._request(identity, method, params)
        if not self._slots.acquire(blocking=False):
            yield None
            return
        answer: Future[jsonrpc.Reply] = Future()
        # Or it could be cancelled just as the listener brings the answer.
        answer.set_running_or_notify_cancel()
        try:
            yield answer if self._leaves_at_once(identity, text, answer) else None
        finally:
            self._waiting.pop(identity, None)
            self._slots.release()

    def too_late(self, method: str, timeout: float) -> str:
        """What to say of a call that was not answered."""
        return f"{self._nas} did not answer {method} within {timeout:g} s; it may still be working on it"

    def follow_jobs(self, *, timeout: float) -> None:
        """Ask, once, for the news of all jobs this account may see."""
        with self._subscribing:
            if self._subscribed:
                return
            self.call("core.subscribe", [JOBS], timeout=timeout)
            self._note_rows(self.call(JOBS, [[], {"order_by": ["-id"], "limit": 1}], timeout=timeout))
            self._subscribed = True

    @property
    def highest_job_id(self) -> int:
        """The newest job this connection has heard of; a job started later has a higher id."""
        with self._news:
            return self._book.highest_id

    def look_up_jobs(self, filters: list[t.Any], *, timeout: float) -> list[Job]:
        """The jobs that match, with their results unmasked."""
        return self._note_rows(self.call(JOBS, [filters, {"extra": {"raw_result": True}}], timeout=timeout))

    def job(self, identity: int) -> Job | None:
        """The last that was heard of a job."""
        with self._news:
            return self._book.get(identity)

    def next_news(self, identity: int, known: Job | None, *, timeout: float) -> Job | None:
        """Wait until more is heard of a job than C(known); C(known) again when nothing was; raises ConnectionLost."""
        with self._news:
            self._news.wait_for(lambda: self._book.get(identity) is not known or self._lost is not None, timeout)
            news = self._book.get(identity)
            if news is known and self._lost is not None:
                raise self._loss(sent=True)
            return news

    def forget_job(self, identity: int) -> None:
        with self._news:
            self._book.forget(identity)

    def close(self) -> None:
        """Hang up; calls that wait for their answer get ConnectionLost. The NAS goes on with jobs."""
        self._end(ConnectionLost(f"the connection to {self._nas} was closed"))
        self._transport.hang_up(politely=True)
        if threading.current_thread() is not self._listener:
            self._listener.join(timeout=2)

    def _request(self, identity: str, method: str, params: t.Sequence[t.Any]) -> str:
        try:
            text = jsonrpc.request(identity, method, params)
        except ejson.NotSendable as error:
            problem = str(error)
        except ValueError:
            problem = "a number is not finite"
        else:
            limit = jsonrpc.size_limit(method, logged_in=self.logins > 0)
            if len(text) <= limit:
                return text
            # The NAS would close the connection, and with it lose the answers of all other calls.
            problem = f"the request has {len(text)} characters, and TrueNAS takes {limit} at most"
        raise Invalid(f"cannot send {method} to {self._nas}: {problem}", fields=[(None, problem)])

    def _exchange(self, identity: str, text: str, deadline: float, too_late: str) -> jsonrpc.Reply:
        if not self._slots.acquire(timeout=max(deadline - time.monotonic(), 0)):
            raise TimedOut(too_late)
        answer: Future[jsonrpc.Reply] = Future()
        try:
            with self._state:
                if self._lost is not None:
                    raise self._loss(sent=False)
                self._waiting[identity] = answer
            self._send(text)
            return answer.result(timeout=max(deadline - time.monotonic(), 0))
        except TimeoutError:
            timed_out = TimedOut(too_late)
        finally:
            self._waiting.pop(identity, None)
            self._slots.release()
        raise timed_out

    def _leaves_at_once(self, identity: str, text: str, answer: Future[jsonrpc.Reply]) -> bool:
        with self._state:
            if self._lost is not None:
                return False
            self._waiting[identity] = answer
        try:
            return self._transport.send_at_once(text)
        except ConnectionLost:
            # It is told to those who can wait for what the NAS says about that.
            return False

    def _send(self, text: str) -> None:
        try:
            self._transport.send(text)
        except ConnectionLost as lost:
            loss = lost
        else:
            return
        # A NAS that hangs up says why, and it is the listener who hears it.
        self._listener.join(timeout=LAST_WORDS)
        self._end(loss)
        self._transport.hang_up()
        raise self._loss(sent=False)

    def _loss(self, *, sent: bool) -> ConnectionLost:
        """Each who is told gets an error of his own: exceptions are not for sharing between threads."""
        lost = self._lost or ConnectionLost(f"lost the connection to {self._nas}")
        return ConnectionLost(str(lost), sent=sent, passing=lost.passing)

    def _listen(self) -> None:
        loss = ConnectionLost(f"lost the connection to {self._nas}")
        try:
            self._listen_until_lost()
        except ConnectionLost as lost:
            loss = lost
        except jsonrpc.NotJsonRpc:
            loss = ConnectionLost(f"lost the connection to {self._nas}: it sent something that is not JSON-RPC")
        finally:
            self._end(loss)
            self._transport.release()

    def _listen_until_lost(self) -> None:
        while True:
            now = time.monotonic()
            if self._heartbeat.is_dead(now, self._transport.last_heard):
                raise ConnectionLost(f"lost the connection to {self._nas}: it no longer gives a sign of life")
            if self._heartbeat.is_ping_due(now):
                self._transport.ping()
            text = self._transport.receive(self._heartbeat.until_next(now))
            if text is not None:
                self._hear(text)

    def _hear(self, text: str) -> None:
        message = jsonrpc.parse(text)
        if isinstance(message, jsonrpc.Reply):
            with self._state:
                answer = self._waiting.pop(message.id, None)
            if answer is not None:
                answer.set_result(message)
        elif isinstance(message, jsonrpc.Event) and message.collection == JOBS:
            self._note_rows([message.fields])

    def _note_rows(self, rows: t.Any) -> list[Job]:
        found = [known for row in rows or () if isinstance(row, dict) and (known := job(row))]
        with self._news:
            for known in found:
                self._book.note(known)
            self._news.notify_all()
        return found

    def _end(self, loss: ConnectionLost) -> None:
        with self._state:
            if self._lost is not None:
                return
            self._lost = loss
            waiting = list(self._waiting.values())
            self._waiting.clear()
        for answer in waiting:
            answer.set_exception(self._loss(sent=True))
        with self._news:
            self._news.notify_all()
