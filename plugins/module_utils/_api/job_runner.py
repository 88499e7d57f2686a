# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start one job and wait for its end, over several connections if necessary."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.connection import Connection
from ansible_collections.pixels.truenas.plugins.module_utils._api.error_mapping import refusal
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    ConnectionLost,
    JobAborted,
    LoginRefused,
    OutcomeUnknown,
    RateLimited,
    Refused,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._api.job_matching import find_again, is_same_job
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Job, Progress
from ansible_collections.pixels.truenas.plugins.module_utils._api.jsonrpc import ServerError, new_id

POLL_INTERVAL_S = 15.0
"""Events report every change; polling covers those that could not be sent."""

T = t.TypeVar("T")


class JobConnection(t.Protocol):
    """Runs an action with a connection, and again with another one if that breaks; see `Session`."""

    def __call__(self, action: t.Callable[[Connection, float], T], timeout: float) -> T: ...


class AnswerLost(Exception):
    """The request that starts the job was sent, and no reply arrived: the connection broke, or it timed out."""


class JobRun:
    """One run of one job; `converse` provides connections, and times are in seconds."""

    def __init__(
        self,
        converse: JobConnection,
        method: str,
        params: t.Sequence[t.Any],
        *,
        nas: str,
        call_timeout: float,
        timeout: float,
        progress: t.Callable[[Progress], None] | None,
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self._converse = converse
        self._method = method
        self._params = params
        self._nas = nas
        self._call_timeout = call_timeout
        self._timeout = timeout
        self._report = progress
        self._clock = clock
        self._request_id = new_id()
        self._lost = f"lost the connection to {nas} while {method} was sent"
        """Why there was no reply to the request that starts the job."""
        self._newest_before = 0
        self._reported = Progress(0, "")
        self._connection: Connection | None = None

    def result(self) -> t.Any:
        """Start the job and return its result; raises as `Session.run_job` says."""
        started = self._start()
        if not isinstance(started, int) or isinstance(started, bool):
            # On some releases this method is not a job: it is done when it replies.
            return started
        return self._outcome(self._end_of(started))

    def _start(self) -> t.Any:
        try:
            return self._converse(self._submit, self._call_timeout)
        except AnswerLost:
            return self._find_after_loss(self._find_lost, "its reply").id

    def _submit(self, connection: Connection, timeout: float) -> t.Any:
        connection.follow_jobs(timeout=timeout)
        self._connection = connection
        self._newest_before = connection.highest_job_id
        try:
            return connection.call(
                self._method, self._params, timeout=timeout, request_id=self._request_id, changes=True
            )
        except ConnectionLost as lost:
            if not lost.sent:
                raise
        except TimedOut as late:
            if not late.pending:
                raise
            self._lost = str(late)
        raise AnswerLost

    def _find_lost(self, connection: Connection, timeout: float) -> Job:
        self._connection = connection
        connection.follow_jobs(timeout=timeout)
        candidates = connection.look_up_jobs(
            [["method", "=", self._method], ["id", ">", self._newest_before]], timeout=timeout
        )
        found = find_again(candidates, self._method, self._params, self._request_id)
        if found is None:
            raise OutcomeUnknown(f"{self._lost}, and its job was not found: it may or may not have started").with_hints(
                Hint.run_again()
            )
        return found

    def _end_of(self, identity: int) -> Job:
        deadline = self._clock() + self._timeout
        job = self._first_state(identity)
        while True:
            self._report_progress(job)
            if job.is_finished:
                return job
            left = deadline - self._clock()
            if left <= 0:
                raise TimedOut(
                    f"{self._method} on {self._nas} did not end within {self._timeout:g} s: "
                    f"job {identity} continues there, at {job.progress.percent} %",
                    pending=True,
                )
            job = self._next(job, left)

    def _first_state(self, identity: int) -> Job:
        job = (self._connection and self._connection.job(identity)) or self._look_up(identity)
        if not is_same_job(job, self._method, self._params):
            raise Refused(
                f"{self._nas} has too many jobs waiting and did not start {self._method}: "
                f"it named job {identity} instead, which does something else"
            ).with_hints(Hint.run_again())
        return job

    def _next(self, job: Job, left: float) -> Job:
        if self._connection is not None:
            try:
                news = self._connection.wait_for_update(job.id, job, timeout=min(POLL_INTERVAL_S, left))
            except ConnectionLost:
                news = None
            if news is not None and news is not job:
                return news
        looked_up = self._look_up(job.id)
        # A restarted middleware numbers its jobs from 1 again: the ID may belong to another job now.
        if not is_same_job(looked_up, self._method, self._params):
            raise self._not_found(job.id)
        return looked_up

    def _look_up(self, identity: int) -> Job:
        def look_up(connection: Connection, timeout: float) -> Job:
            self._connection = connection
            connection.follow_jobs(timeout=timeout)
            connection.look_up_jobs([["id", "=", identity]], timeout=timeout)
            # From the table, in which the reply does not overwrite a newer event.
            found = connection.job(identity)
            if found is None:
                raise self._not_found(identity)
            return found

        return self._find_after_loss(look_up, f"job {identity}")

    def _find_after_loss(self, action: t.Callable[[Connection, float], Job], what: str) -> Job:
        """Run an action. Raises `OutcomeUnknown` if the state of a job that may run cannot be read."""
        try:
            return self._converse(action, self._call_timeout)
        except (ConnectionFailed, LoginRefused, RateLimited, TimedOut) as error:
            problem = str(error)
        raise OutcomeUnknown(
            f"{self._method} was sent to {self._nas}, and {what} was lost: {problem}; it may or may not be done"
        ).with_hints(Hint.run_again())

    def _not_found(self, identity: int) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{self._nas} no longer shows job {identity} ({self._method}): its middleware restarted, or this account "
            "may not see jobs of an earlier connection; it may or may not be done"
        ).with_hints(Hint.run_again())

    def _report_progress(self, job: Job) -> None:
        if self._report and job.progress != self._reported:
            self._reported = job.progress
            self._report(job.progress)

    def _outcome(self, job: Job) -> t.Any:
        if self._connection:
            self._connection.forget_job(job.id)
        if job.state == "SUCCESS":
            return job.result
        if job.state == "ABORTED":
            raise JobAborted(f"{self._method} was aborted on {self._nas} (job {job.id}); its changes until then remain")
        raise refusal(job.failure or ServerError(code=0), method=self._method, nas=self._nas)
