# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows one job from its start to its end, over as many connections as it takes."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.connection import Connection
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
from ansible_collections.pixels.truenas.plugins.module_utils._api.job_identity import find_again, is_ours
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Job, Progress
from ansible_collections.pixels.truenas.plugins.module_utils._api.jsonrpc import ServerError, new_id
from ansible_collections.pixels.truenas.plugins.module_utils._api.refusals import refusal

# Events tell of every change; asking as well catches what an event could not say.
POLL_EVERY = 15.0

T = t.TypeVar("T")


class Converse(t.Protocol):
    """Does something over a live connection, and again over the next one if that breaks."""

    def __call__(self, action: t.Callable[[Connection, float], T], timeout: float) -> T: ...


class AnswerLost(Exception):
    """The request to start the job left, and the connection broke before its answer came."""


class JobRun:
    """One run of one job; C(converse) brings connections, and times are in seconds."""

    def __init__(
        self,
        converse: Converse,
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
        self._newest_before = 0
        self._reported = Progress(0, "")
        self._connection: Connection | None = None

    def result(self) -> t.Any:
        """Start the job and return its result; raises as C(Session.run_job) says."""
        started = self._start()
        if not isinstance(started, int) or isinstance(started, bool):
            # On some releases this method is no job: it was done when it answered.
            return started
        return self._outcome(self._end_of(started))

    def _start(self) -> t.Any:
        try:
            return self._converse(self._submit, self._call_timeout)
        except AnswerLost:
            return self._after_the_loss(self._find_lost, "its answer").id

    def _submit(self, connection: Connection, timeout: float) -> t.Any:
        connection.follow_jobs(timeout=timeout)
        self._connection = connection
        self._newest_before = connection.highest_job_id
        try:
            return connection.call(self._method, self._params, timeout=timeout, request_id=self._request_id)
        except ConnectionLost as lost:
            if not lost.sent:
                raise
        raise AnswerLost

    def _find_lost(self, connection: Connection, timeout: float) -> Job:
        self._connection = connection
        connection.follow_jobs(timeout=timeout)
        candidates = connection.look_up_jobs(
            [["method", "=", self._method], ["id", ">", self._newest_before]], timeout=timeout
        )
        found = find_again(candidates, self._method, self._params, self._request_id)
        if found is None:
            raise OutcomeUnknown(
                f"the connection to {self._nas} broke off while {self._method} was sent, and no job of it is found: "
                "it may or may not have started; run again"
            )
        return found

    def _end_of(self, identity: int) -> Job:
        deadline = self._clock() + self._timeout
        job = self._first_sight(identity)
        while True:
            self._tell(job)
            if job.is_finished:
                return job
            left = deadline - self._clock()
            if left <= 0:
                raise TimedOut(
                    f"{self._method} did not end on {self._nas} within {self._timeout:g} s: "
                    f"the job goes on there with the id {identity}, at {job.progress.percent} %"
                )
            job = self._next(job, left)

    def _first_sight(self, identity: int) -> Job:
        job = (self._connection and self._connection.job(identity)) or self._look_up(identity)
        if not is_ours(job, self._method, self._params):
            raise Refused(
                f"{self._nas} has too many jobs waiting and did not start {self._method}: "
                f"it named job {identity} instead, which does something else; try again"
            )
        return job

    def _next(self, job: Job, left: float) -> Job:
        if self._connection is not None:
            try:
                news = self._connection.next_news(job.id, job, timeout=min(POLL_EVERY, left))
            except ConnectionLost:
                news = None
            if news is not None and news is not job:
                return news
        looked_up = self._look_up(job.id)
        # A restarted middleware counts its jobs from 1 again: the id may now be another's.
        if not is_ours(looked_up, self._method, self._params):
            raise self._out_of_sight(job.id)
        return looked_up

    def _look_up(self, identity: int) -> Job:
        def look_up(connection: Connection, timeout: float) -> Job:
            self._connection = connection
            connection.follow_jobs(timeout=timeout)
            connection.look_up_jobs([["id", "=", identity]], timeout=timeout)
            # From the book, where an event that overtook the answer is not undone.
            found = connection.job(identity)
            if found is None:
                raise self._out_of_sight(identity)
            return found

        return self._after_the_loss(look_up, f"job {identity}")

    def _after_the_loss(self, action: t.Callable[[Connection, float], Job], what: str) -> Job:
        """What keeps us from looking after a job that may run leaves its outcome unknown."""
        try:
            return self._converse(action, self._call_timeout)
        except (ConnectionFailed, LoginRefused, RateLimited, TimedOut) as error:
            problem = str(error)
        raise OutcomeUnknown(
            f"{self._method} was sent to {self._nas}, and {what} was lost: {problem}; "
            "it may or may not be done, run again"
        )

    def _out_of_sight(self, identity: int) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{self._nas} no longer shows job {identity} ({self._method}): its middleware restarted, or this account "
            "may not see jobs of an earlier connection; it may or may not be done, run again"
        )

    def _tell(self, job: Job) -> None:
        if self._report and job.progress != self._reported:
            self._reported = job.progress
            self._report(job.progress)

    def _outcome(self, job: Job) -> t.Any:
        if self._connection:
            self._connection.forget_job(job.id)
        if job.state == "SUCCESS":
            return job.result
        if job.state == "ABORTED":
            raise JobAborted(f"{self._method} was aborted on {self._nas} (job {job.id}); what it had done stays done")
        raise refusal(job.failure or ServerError(code=0), method=self._method, nas=self._nas)
