# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handle one request, from its arrival to its reply (middleware ws_handler/rpc.py)."""

from __future__ import annotations

import asyncio
import errno as errnos
import random
import typing as t

from tests.simulator import ejson, framing, replies
from tests.simulator.calls import run_plain, start_job
from tests.simulator.concurrency import IN_ALL, TooManyCalls
from tests.simulator.errors import ENOTAUTHENTICATED, CallError, SimulatedError
from tests.simulator.job import FAILED, Job
from tests.simulator.registry import Context, Method

if t.TYPE_CHECKING:
    from tests.simulator.accounts import Login
    from tests.simulator.connection import Connection
    from tests.simulator.framing import Request

Message = dict[str, t.Any]


async def handle(connection: Connection, request: Request) -> None:
    """Answer it, unless it is a notification or a fault has been ordered."""
    connection.simulator.stats.called(request.method, in_flight=connection.slots.taken + 1)
    if connection.simulator.faults.take("drop_before_call", request.method):
        connection.cut()
        return
    try:
        async with connection.slots.slot():
            reply, job = await _answer(connection, request)
            try:
                await _deliver(connection, request, reply)
            finally:
                # a job runs even if the connection is lost
                if job is not None:
                    job.announced.set()
    except TooManyCalls:
        if not request.notification:
            text = f"Maximum number of concurrent calls ({IN_ALL}) has exceeded"
            connection.send(framing.error(request.id, framing.TOO_MANY_CALLS, text))


def authorise(method: Method, login: Login | None) -> None:
    """Raise `CallError` without a login, or if the login may not call the method."""
    if not method.login:
        return
    if login is None:
        raise CallError("Not authenticated", ENOTAUTHENTICATED)
    if method.role_needed and not login.full_admin and login.roles.isdisjoint(method.roles):
        raise CallError("Not authorized", errnos.EACCES)


async def _answer(connection: Connection, request: Request) -> tuple[Message | None, Job | None]:
    """The reply, and the job that may run once it has been sent. No reply: the middleware went down."""
    simulator = connection.simulator
    method = simulator.method(request.method)
    if method is None:
        return framing.error(request.id, framing.METHOD_NOT_FOUND, "Method does not exist"), None
    if not method.job:
        restart = simulator.faults.take("restart_middleware", method.name)
        if restart is not None:
            simulator.restart_soon(restart.details.get("seconds", 0.0))
            return None, None
    delay = simulator.faults.take("delay", method.name)
    if delay is not None:
        await asyncio.sleep(delay.details["seconds"])
    try:
        await _check_rate(connection, method)
        authorise(method, connection.peer.login)
        _fail_if_ordered(connection, method)
        context = simulator.context(connection.peer, connection)
        if method.job:
            return await _answer_job(connection, context, method, request)
    except SimulatedError as error:
        return _failure(connection, request, error), None
    ending = await run_plain(context, method, request.params)
    if isinstance(ending, BaseException):
        return _failure(connection, request, ending), None
    return framing.result(request.id, ending), None


async def _answer_job(
    connection: Connection, context: Context, method: Method, request: Request
) -> tuple[Message, Job | None]:
    message_id = ejson.Undefined() if request.notification else request.id
    job = start_job(context, method, request.params, message_id=message_id)
    if connection.settings["legacy_jobs"]:
        return framing.result(request.id, job.id), job
    job.announced.set()
    await job.finished.wait()
    if job.state == FAILED and job.failure is not None:
        return _failure(connection, request, job.failure), None
    # an aborted job has no result, which looks like success
    return framing.result(request.id, job.result), None


async def _check_rate(connection: Connection, method: Method) -> None:
    if connection.peer.login is not None or method.login or not method.counted:
        return
    simulator = connection.simulator
    ordered = simulator.faults.take("rate_limit", method.name)
    if simulator.rate_limit.exceeded(method.name, connection.peer.remote) or ordered:
        simulator.stats.rate_limited += 1
        await asyncio.sleep(random.uniform(*simulator.options.rate_limit_stall))
        raise CallError("Rate Limit Exceeded", errnos.EBUSY)


def _fail_if_ordered(connection: Connection, method: Method) -> None:
    fault = connection.simulator.faults.take("fail_call", method.name)
    if fault is not None:
        reason = fault.details.get("reason", "The simulator was told to fail")
        raise CallError(reason, fault.details.get("errno", errnos.EFAULT), fault.details.get("extra"))


def _failure(connection: Connection, request: Request, error: BaseException) -> Message:
    frames = connection.simulator.release.traces_have_frames
    return replies.failure(request.id, error, method=request.method, params=request.params, frames=frames)


async def _deliver(connection: Connection, request: Request, reply: Message | None) -> None:
    faults = connection.simulator.faults
    if faults.take("drop_before_reply", request.method):
        await connection.flush()
        connection.cut()
        return
    if reply is None or request.notification:
        return
    ordered = faults.take("answer_with", request.method)
    if ordered is not None and "text" in ordered.details:
        text = ordered.details["text"].replace("ID", str(request.id))
        connection.send_as_it_is(text.encode("utf-8", "surrogateescape"), binary=ordered.details.get("binary", False))
    elif ordered is not None:
        connection.reply(framing.result(request.id, ordered.details["value"]))
    elif faults.take("reorder", request.method):
        connection.hold(reply)
    else:
        connection.reply(reply)
    if faults.take("drop_after_reply", request.method):
        await connection.flush()
        connection.cut()
