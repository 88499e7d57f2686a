# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a method for a login: validate arguments, check the contract, start a job."""

from __future__ import annotations

import asyncio
import inspect
import traceback
import typing as t

from tests.simulator.errors import CallError, GenericError, SimulatedError, ValidationErrors
from tests.simulator.job import Job
from tests.simulator.jobs import Aborted
from tests.simulator.models.base import accept
from tests.simulator.registry import Method

if t.TYPE_CHECKING:
    from tests.simulator.accounts import Login
    from tests.simulator.connection import Connection
    from tests.simulator.faults import Fault
    from tests.simulator.registry import Context
    from tests.simulator.simulator import Simulator

Params = list[t.Any]


async def run_plain(context: Context, method: Method, params: Params) -> t.Any:
    """Return the result, or the exception as a value, which the caller converts to an error reply."""
    return await _settled(context, method, params, None)


def start_job(
    context: Context, method: Method, params: Params, *, message_id: t.Any = None, uploaded: bytes | None = None
) -> Job:
    """The job that stands for this call, which runs once `job.announced` is set.

    Raises what the middleware answers before there is a job: a lock that cannot be named, a queue that is full.
    """
    simulator: Simulator = context.simulator
    if method.input_pipe and uploaded is None:
        raise GenericError("Pipe 'input' is not open", "ValueError")
    if simulator.faults.take("substitute_job", method.name):
        return _somebody_elses(simulator, method, message_id)

    async def body(job: Job) -> t.Any:
        await _strike(simulator, method.name, context.connection)
        ending = await _settled(context, method, params, job)
        if isinstance(ending, BaseException):
            raise ending
        ordered = simulator.faults.take("end_job_with", method.name)
        return ordered.details["value"] if ordered else ending

    job, _new = simulator.jobs.submit(method, params, body, login=context.login, message_id=message_id)
    if uploaded is not None:
        job.give_input(uploaded)
    return job


async def _settled(context: Context, method: Method, params: Params, job: Job | None) -> t.Any:
    simulator: Simulator = context.simulator
    mismatch = simulator.contract.request_mismatch(method.name, params)
    ending = (await asyncio.gather(_perform(context, method, params, job), return_exceptions=True))[0]
    accepted = not isinstance(ending, BaseException) or isinstance(ending, CallError)
    if mismatch is not None and accepted:
        simulator.contract.errors.append(mismatch)
    if not isinstance(ending, BaseException):
        simulator.contract.check_reply(method.name, params, ending)
    elif not isinstance(ending, (SimulatedError, asyncio.CancelledError)):
        text = "".join(traceback.format_exception(ending))
        simulator.contract.errors.append(f"the simulator itself failed at {method.name}: {text}")
    return ending


async def _perform(context: Context, method: Method, params: Params, job: Job | None) -> t.Any:
    arguments = params if method.model is None else accept(method.model, params)
    await context.world.look(method.name)
    value = method.handler(context, *arguments) if job is None else method.handler(context, job, *arguments)
    return await value if inspect.isawaitable(value) else value


async def _strike(simulator: Simulator, method: str, connection: Connection | None) -> None:
    """Faults of a job that has just begun to run."""
    faults = simulator.faults
    restart = faults.take("restart_middleware", method)
    if restart is not None:
        simulator.restart_soon(restart.details.get("seconds", 0.0))
        # the restart ends this job
        await asyncio.Event().wait()
    if connection is not None and faults.take("drop_mid_job", method):
        await connection.flush()
        connection.cut()
    if faults.take("abort_job", method):
        raise Aborted
    failure = faults.take("fail_job", method)
    if failure is not None:
        raise _failure(failure)


def _failure(fault: Fault) -> SimulatedError:
    kind, text = fault.details.get("kind", "CallError"), fault.details.get("text", "The simulator was told to fail")
    errno, extra = fault.details.get("errno", 14), fault.details.get("extra")
    if kind == "CallError":
        return CallError(text, errno, extra)
    if kind == "VALIDATION":
        return ValidationErrors((field, words, number) for field, words, number in extra or [(None, text, errno)])
    return GenericError(text, kind)


def _somebody_elses(simulator: Simulator, method: Method, message_id: t.Any) -> Job:
    """A job of the same method with other arguments, as a full lock queue would answer."""

    async def nothing(job: Job) -> t.Any:
        return True

    unlocked = Method(method.name, nothing, job=True)
    login: Login = simulator.admin_login
    job, _new = simulator.jobs.submit(unlocked, ["somebody-elses"], nothing, login=login, message_id=message_id)
    return job
