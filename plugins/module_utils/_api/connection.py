# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One logged-in connection: send calls, match replies to them, and collect the events of jobs."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t
from concurrent.futures import Future

from ansible_collections.pixels.truenas.plugins.module_utils._api import ejson, jsonrpc
from ansible_collections.pixels.truenas.plugins.module_utils._api.error_mapping import refusal
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    GARBLED,
    ConnectionLost,
    Invalid,
    TimedOut,
    UnexpectedReply,
    timeout_message,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.heartbeat import Heartbeat
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Job, JobTable, job, with_masked_texts

IN_FLIGHT = 10
"""Calls at the same time. The NAS runs 10 of a connection, queues 10 more, and rejects any other."""
BUSY_PAUSE_S = 0.2
MAX_BUSY_PAUSE_S = 3.0
CLOSE_REASON_TIMEOUT_S = 0.5
"""How long to wait for the close frame of a NAS that accepts no more data."""
JOBS = "core.get_jobs"


class Transport(t.Protocol):
    """Sends and receives messages; see `transport.WebSocketTransport`."""

    last_received: float

    def send(self, text: str) -> None: ...
    def send_unblocked(self, text: str) -> bool: ...
    def ping(self) -> None: ...
    def receive(self, timeout: float) -> str | None: ...
    def hang_up(self, *, politely: bool = False) -> None: ...
    def release(self) -> None: ...


class Connection:
    """One websocket to a NAS, with a thread that receives. Any number of threads may call.

    Calls raise the errors of `errors.py`: `ConnectionLost` if the connection breaks, `TimedOut` if no reply arrives in
    time (a later one is discarded), and otherwise the error of the NAS.
    """

    def __init__(
        self,
        transport: Transport,
        nas: str,
        *,
        heartbeat: Heartbeat | None = None,
        redact: t.Callable[[t.Any], t.Any] = lambda value: value,
    ) -> None:
        """`redact` masks secrets in texts of the NAS before they are used."""
        self._nas = nas
        self._redact = redact
        self._transport = transport
        self._heartbeat = heartbeat or Heartbeat(time.monotonic())
        self._slots = threading.Semaphore(IN_FLIGHT)
        self._state = threading.Lock()
        self._waiting: dict[str, Future[jsonrpc.Reply]] = {}
        self._lost: ConnectionLost | None = None
        self._subscribing = threading.Lock()
        self._subscribed = False
        self._news = threading.Condition()
        self._jobs = JobTable()
        self.logins = 0
        self._listener = threading.Thread(target=self._listen, name=f"pixels listens to {nas}", daemon=True)
        self._listener.start()

    @property
    def is_alive(self) -> bool:
        """Return whether the connection is open."""
        return self._lost is None

    def call(
        self,
        method: str,
        params: t.Sequence[t.Any],
        *,
        timeout: float,
        request_id: str | None = None,
        changes: bool = False,
    ) -> t.Any:
        """Call a method and return its result. `timeout`, in seconds, includes the wait for a free slot.

        `changes` means that the method changes something, which the error for an invalid reply mentions.
        """
        deadline = time.monotonic() + timeout
        identity = request_id or jsonrpc.new_id()
        text = self._request(identity, method, params)
        timeout_message = self.timeout_message(method, timeout)
        pause = BUSY_PAUSE_S
        while True:
            reply = self._exchange(identity, text, deadline, timeout_message)
            if reply.problem:
                raise UnexpectedReply.about(reply.problem, method=method, nas=self._nas, changes=changes)
            if reply.error is None:
                return self.result_of(method, reply)
            if reply.error.code != jsonrpc.TOO_MANY_CALLS:
                raise refusal(reply.error, method=method, nas=self._nas)
            # Nothing ran: the NAS had too many other calls.
            if time.monotonic() + pause > deadline:
                raise TimedOut(
                    f"{method} on {self._nas} did not start within {timeout:g} s: too many calls are running"
                )
            time.sleep(pause)
            pause = min(pause * 2, MAX_BUSY_PAUSE_S)

    def result_of(self, method: str, reply: jsonrpc.Reply) -> t.Any:
        """Return the result of a reply. Secrets are masked in that of a method that reports failures."""
        return with_masked_texts(reply.result, self._redact) if method == JOBS else reply.result

    @contextlib.contextmanager
    def start_call(self, method: str, params: t.Sequence[t.Any]) -> t.Iterator[Future[jsonrpc.Reply] | None]:
        """Make a call without a waiting thread: yield the future of its reply.

        Yield None, and send nothing, if the call would have to wait for a free slot or for the NAS.
        """
        identity = jsonrpc.new_id()
        text = self._request(identity, method, params)
        if not self._slots.acquire(blocking=False):
            yield None
            return
        answer: Future[jsonrpc.Reply] = Future()
        # Prevents that it is cancelled while the receiving thread sets the reply.
        answer.set_running_or_notify_cancel()
        try:
            yield answer if self._send_unblocked(identity, text, answer) else None
        finally:
            self._waiting.pop(identity, None)
            self._slots.release()

    def timeout_message(self, method: str, timeout: float) -> str:
        """Return the message for a call that timed out."""
        return timeout_message(method, self._nas, timeout)

    def follow_jobs(self, *, timeout: float) -> None:
        """Subscribe, once, to the events of all jobs that this account may see."""
        with self._subscribing:
            if self._subscribed:
                return
            self.call("core.subscribe", [JOBS], timeout=timeout)
            self._record_reply(self.call(JOBS, [[], {"order_by": ["-id"], "limit": 1}], timeout=timeout))
            self._subscribed = True

    @property
    def highest_job_id(self) -> int:
        """The highest known job ID. A job that starts later has a higher one."""
        with self._news:
            return self._jobs.highest_id

    def look_up_jobs(self, filters: list[t.Any], *, timeout: float) -> list[Job]:
        """Return the jobs that match the query filters, with their results not redacted by the NAS."""
        return self._record_reply(self.call(JOBS, [filters, {"extra": {"raw_result": True}}], timeout=timeout))

    def job(self, identity: int) -> Job | None:
        """Return the last known state of a job."""
        with self._news:
            return self._jobs.get(identity)

    def wait_for_update(self, identity: int, known: Job | None, *, timeout: float) -> Job | None:
        """Wait for a newer state of a job than `known`. Return `known` after `timeout`. Raises `ConnectionLost`."""
        with self._news:
            self._news.wait_for(lambda: self._jobs.get(identity) is not known or self._lost is not None, timeout)
            news = self._jobs.get(identity)
            if news is known and self._lost is not None:
                raise self._loss(sent=True)
            return news

    def forget_job(self, identity: int) -> None:
        """Drop the state of a job, whose result can be large."""
        with self._news:
            self._jobs.forget(identity)

    def close(self) -> None:
        """Close the connection. Pending calls raise `ConnectionLost`; jobs continue on the NAS."""
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
            # The NAS would close the connection, and the replies to all other calls would be lost.
            problem = f"the request has {len(text)} characters, and TrueNAS accepts at most {limit}"
        raise Invalid.in_field(None, f"cannot send {method} to {self._nas}", problem)

    def _exchange(self, identity: str, text: str, deadline: float, timeout_message: str) -> jsonrpc.Reply:
        if not self._slots.acquire(timeout=max(deadline - time.monotonic(), 0)):
            raise TimedOut(timeout_message)
        answer: Future[jsonrpc.Reply] = Future()
        try:
            with self._state:
                if self._lost is not None:
                    raise self._loss(sent=False)
                self._waiting[identity] = answer
            self._send(text)
            return answer.result(timeout=max(deadline - time.monotonic(), 0))
        except TimeoutError:
            timed_out = TimedOut(timeout_message, pending=True)
        finally:
            self._waiting.pop(identity, None)
            self._slots.release()
        raise timed_out

    def _send_unblocked(self, identity: str, text: str, answer: Future[jsonrpc.Reply]) -> bool:
        with self._state:
            if self._lost is not None:
                return False
            self._waiting[identity] = answer
        try:
            return self._transport.send_unblocked(text)
        except ConnectionLost:
            # A call that can wait for the reason reports it.
            return False

    def _send(self, text: str) -> None:
        try:
            self._transport.send(text)
        except ConnectionLost as lost:
            loss = lost
        else:
            return
        # A NAS that closes the connection sends a reason, which the receiving thread gets.
        self._listener.join(timeout=CLOSE_REASON_TIMEOUT_S)
        self._end(loss)
        self._transport.hang_up()
        raise self._loss(sent=False)

    def _loss(self, *, sent: bool) -> ConnectionLost:
        """Return a new error for each caller: threads must not share an exception."""
        lost = self._lost or ConnectionLost(f"lost the connection to {self._nas}")
        return ConnectionLost(str(lost), sent=sent, passing=lost.passing, ending=lost.ending)

    def _listen(self) -> None:
        loss = ConnectionLost(f"lost the connection to {self._nas}")
        try:
            self._receive_until_lost()
        except ConnectionLost as lost:
            loss = lost
        except (jsonrpc.NotJsonRpc, RecursionError):
            problem = f"lost the connection to {self._nas}: it sent a message that is not JSON-RPC"
            loss = ConnectionLost(problem, passing=False, ending=GARBLED)
        finally:
            self._end(loss)
            self._transport.release()

    def _receive_until_lost(self) -> None:
        while True:
            now = time.monotonic()
            if self._heartbeat.is_dead(now, self._transport.last_received):
                raise ConnectionLost(f"lost the connection to {self._nas}: it stopped responding (no reply to a ping)")
            if self._heartbeat.is_ping_due(now):
                self._transport.ping()
            text = self._transport.receive(self._heartbeat.until_next(now))
            if text is not None:
                self._handle_message(text)

    def _handle_message(self, text: str) -> None:
        message = jsonrpc.parse(text, self._redact)
        if isinstance(message, jsonrpc.Reply):
            with self._state:
                answer = self._waiting.pop(message.id, None)
            if answer is not None:
                answer.set_result(message)
        elif isinstance(message, jsonrpc.Event) and message.collection == JOBS:
            # An invalid event is ignored: the job is looked up later.
            known = job(message.fields, self._redact)
            with self._news:
                if known is not None:
                    self._jobs.note_event(known)
                self._news.notify_all()

    def _record_reply(self, rows: t.Any) -> list[Job]:
        """Record the rows of a reply. Raises `UnexpectedReply` if they are not jobs."""
        listed = rows if isinstance(rows, list) else [None]
        known = [found for row in listed if isinstance(row, dict) and (found := job(row, self._redact))]
        if listed and not known:
            raise UnexpectedReply.about("the result is not a list of jobs", method=JOBS, nas=self._nas)
        return self._note(known)

    def _note(self, found: list[Job]) -> list[Job]:
        with self._news:
            for known in found:
                self._jobs.note(known)
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
