# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How jobs are queued, run in order of their locks, looked up and aborted (middleware job.py, JobsQueue)."""

from __future__ import annotations

import asyncio
import collections
import errno as errnos
import typing as t

from tests.simulator.errors import CallError, GenericError, InstanceNotFound
from tests.simulator.job import Changed, Job

if t.TYPE_CHECKING:
    from tests.simulator.accounts import Login
    from tests.simulator.registry import Method
    from tests.simulator.releases import Release

KEPT = 1000
"""Older finished jobs are forgotten."""

Body = t.Callable[[Job], t.Coroutine[t.Any, t.Any, t.Any]]


class Aborted(Exception):
    """Raised by a job's body that ends as if it had been aborted."""


class Jobs:
    """All jobs since the middleware started; ids begin at 1 and begin again after a restart."""

    def __init__(self, release: Release, *, changed: Changed) -> None:
        self._release = release
        self._changed = changed
        self._jobs: dict[int, Job] = {}
        self._queues: dict[str, collections.deque[Job]] = {}
        self._lives: dict[int, asyncio.Task[None]] = {}
        self._bodies: dict[int, asyncio.Task[t.Any]] = {}
        self._next_id = 1

    def __iter__(self) -> t.Iterator[Job]:
        return iter(list(self._jobs.values()))

    def submit(
        self, method: Method, arguments: list[t.Any], body: Body, *, login: Login | None, message_id: t.Any = None
    ) -> tuple[Job, bool]:
        """The job that will do it, and whether it is a new one: a full queue answers with the last waiting job instead.

        The job starts only after `job.announced` was set.
        """
        lock = _lock_name(method, arguments)
        queue = self._queues.get(lock) if lock is not None else None
        if queue:
            substitute = self._substitute(method, queue, login)
            if substitute is not None:
                self._remember_message(substitute, message_id)
                self._changed(substitute, "changed")
                return substitute, False
        job = Job(
            self._next_id,
            method.name,
            arguments,
            release=self._release,
            login=login,
            changed=self._changed,
            with_logs=method.logs,
        )
        self._next_id += 1
        self._remember_message(job, message_id)
        self._keep(job)
        self._line_up(job, lock)
        self._changed(job, "added")
        self._lives[job.id] = asyncio.create_task(self._live(job, body, lock))
        return job, True

    def get(self, id: int) -> Job | None:
        return self._jobs.get(id)

    def owned(self, id: int, login: Login) -> Job:
        """Return the job if the login may change it. Raises the error of `core.job_abort` otherwise."""
        job = self._jobs.get(id)
        if job is None:
            raise (
                InstanceNotFound(f"Job {id} does not exist")
                if self._release.unknown_job_is_not_found
                else GenericError(str(id), "KeyError")
            )
        if login.full_admin:
            return job
        if job.owner is None:
            raise CallError(
                "Only users with full administrative privileges can access internally ran jobs", errnos.EPERM
            )
        if job.owner.username != login.username:
            raise CallError("Job is not owned by current session", errnos.EPERM)
        return job

    def abort(self, job: Job) -> None:
        """Abort a job: a running one immediately, a waiting one when its turn comes."""
        job.abort_wanted = True
        if job.id in self._bodies:
            self._bodies[job.id].cancel()

    async def forget_everything(self) -> None:
        """What a restart of the middleware does: jobs die without an event, ids start again at 1."""
        lives = list(self._lives.values())
        for memory in (self._lives, self._bodies, self._jobs, self._queues):
            memory.clear()
        self._next_id = 1
        for life in lives:
            life.cancel()
        if lives:
            await asyncio.wait(lives)

    def _substitute(self, method: Method, queue: collections.deque[Job], login: Login | None) -> Job | None:
        waiting = list(queue)[1:]
        if method.lock_queue_size == 0:
            raise CallError("This job is already being performed", errnos.EBUSY)
        if len(waiting) < method.lock_queue_size:
            return None
        if login is None or login.full_admin:
            return waiting[-1]
        for job in reversed(waiting):
            if job.owner is not None and job.owner.username == login.username:
                return job
        raise CallError("This job is already being performed by another user", errnos.EBUSY)

    def _remember_message(self, job: Job, message_id: t.Any) -> None:
        # middleware tests the id for truth, so 0 and "" are lost
        if message_id:
            job.message_ids.append(message_id)

    def _keep(self, job: Job) -> None:
        self._jobs[job.id] = job
        if len(self._jobs) > KEPT:
            finished = next((old for old in self._jobs.values() if old.finished.is_set()), None)
            if finished is not None:
                del self._jobs[finished.id]

    def _line_up(self, job: Job, lock: str | None) -> None:
        if lock is None:
            job.turn.set()
            return
        queue = self._queues.setdefault(lock, collections.deque())
        queue.append(job)
        if queue[0] is job:
            job.turn.set()

    def _let_go(self, lock: str | None) -> None:
        if lock is None:
            return
        queue = self._queues[lock]
        queue.popleft()
        if queue:
            queue[0].turn.set()
        else:
            del self._queues[lock]

    async def _live(self, job: Job, body: Body, lock: str | None) -> None:
        await job.announced.wait()
        await job.turn.wait()
        if job.abort_wanted:
            job.abort()
        else:
            job.run()
            await self._execute(job, body)
        self._let_go(lock)
        job.close()
        del self._lives[job.id]

    async def _execute(self, job: Job, body: Body) -> None:
        task = self._bodies[job.id] = asyncio.create_task(body(job))
        # any exception of the body is the job's failure, not the simulator's
        ending = (await asyncio.gather(task, return_exceptions=True))[0]
        del self._bodies[job.id]
        if isinstance(ending, (asyncio.CancelledError, Aborted)):
            job.abort()
        elif isinstance(ending, BaseException):
            job.fail(ending)
        else:
            job.succeed(ending)


def _lock_name(method: Method, arguments: list[t.Any]) -> str | None:
    if method.lock is None:
        return None
    try:
        return method.lock(*arguments)
    except (TypeError, KeyError, IndexError, AttributeError):
        raise CallError(
            "Error handling job lock. This is most likely caused by invalid call arguments.", errnos.EINVAL
        ) from None
