# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`core.*`: options of a connection, subscriptions, jobs, bulk calls, and which methods there are."""

from __future__ import annotations

import errno as errnos
import typing as t

from tests.simulator import event_sources, query
from tests.simulator.calls import run_plain, start_job
from tests.simulator.dispatch import authorise
from tests.simulator.errors import ENOMETHOD, CallError, GenericError, SimulatedError
from tests.simulator.events import check_may_subscribe
from tests.simulator.job import ABORTED, FAILED, Job
from tests.simulator.models import core as models
from tests.simulator.models.base import Nothing
from tests.simulator.models.query import query_model
from tests.simulator.registry import REGISTRY, Context, Method, job, method
from tests.simulator.releases import RELEASES, SINCE_GOLDEYE

DOWNLOAD_SECONDS, BUFFERED_SECONDS = 300.0, 3600.0


@method("core.ping", releases=["25.04"], role_needed=False, model=Nothing)
def ping_with_login(context: Context) -> str:
    return "pong"


@method("core.ping", releases=SINCE_GOLDEYE, login=False, model=Nothing)
def ping(context: Context) -> str:
    return "pong"


@method("core.set_options", releases=["25.04"], login=False, counted=False, model=models.OldSetOptions)
def set_old_options(context: Context, options: dict[str, t.Any]) -> None:
    """Python exceptions are pickles; the simulator never sends one."""


@method("core.set_options", releases=SINCE_GOLDEYE, login=False, counted=False, model=models.SetOptions)
def set_options(context: Context, options: dict[str, t.Any]) -> dict[str, bool]:
    settings: dict[str, bool] = context.connection.settings
    settings.update(options)
    return dict(settings)


@method("core.subscribe", role_needed=False, model=models.Subscribe)
def subscribe(context: Context, event: str) -> str:
    check_may_subscribe(context.release.name, event, context.caller)
    source = event_sources.find(context.release.name, event)
    if source is not None:
        return t.cast(str, context.connection.streams.start(source, event))
    return t.cast(str, context.connection.subscriptions.add(event))


@method("core.unsubscribe", role_needed=False, model=models.Unsubscribe)
def unsubscribe(context: Context, ident: str) -> None:
    """Send only the end of a source."""
    context.connection.subscriptions.remove(ident)
    context.connection.streams.stop(ident)


def get_jobs(context: Context, filters: list[t.Any], options: dict[str, t.Any]) -> t.Any:
    raw_result = bool(options.get("extra", {}).get("raw_result", False))
    login = context.caller
    rows = [found.row(raw_result=raw_result) for found in context.simulator.jobs if found.visible_to(login)]
    return query.apply(rows, filters, options)


for release in RELEASES.values():
    method("core.get_jobs", releases=[release.name], role_needed=False, model=query_model(release))(get_jobs)


@method("core.job_abort", role_needed=False, model=models.JobId)
def job_abort(context: Context, id: int) -> None:
    """`abortable` is not looked at."""
    jobs = context.simulator.jobs
    jobs.abort(jobs.owned(id, context.caller))


@job("core.job_wait", role_needed=False, model=models.JobId)
async def job_wait(context: Context, job: Job, id: int) -> t.Any:
    """Itself a job; only CallErrors keep their errno, an aborted target is success with null."""
    target = context.simulator.jobs.owned(id, context.caller)
    target.followers.append(job)
    await target.finished.wait()
    target.followers.remove(job)
    if target.state == FAILED:
        if isinstance(target.failure, CallError):
            raise target.failure
        raise CallError(str(target.failure))
    return None if target.state == ABORTED else target.result


@job("core.bulk", role_needed=False, model=models.Bulk, lock=lambda method, *_others: f"bulk:{method}")
async def bulk(
    context: Context, job: Job, method: str, params: list[list[t.Any]], description: str | None
) -> list[dict[str, t.Any]]:
    """Run the calls one after the other, also after a failure; errors are returned as text."""
    inner = _inner(context, method)
    if not context.may(*inner.roles):
        raise CallError("Not authorized", errnos.EPERM)
    rows = []
    for done, arguments in enumerate(params):
        text = f"{done} / {len(params)}"
        if description is not None:
            text += f": {_described(description, arguments)}"
        job.set_progress(100 * done // len(params), text)
        rows.append(await _one(context, inner, arguments))
    return rows


def get_services(context: Context, target: str) -> dict[str, dict[str, t.Any]]:
    """Every service that has public methods, with its kind (service/core_service.py of the middleware).

    Of its configuration, only what each service has: the rest is about the middleware's database.
    """
    methods = REGISTRY.methods[context.release.name]
    services = sorted({name.rpartition(".")[0] for name, each in methods.items() if not each.private})
    return {
        name: {
            "config": {"namespace": name, "private": False, "cli_private": False, "cli_description": None},
            "type": kind(name, methods),
        }
        for name in services
    }


def kind(service: str, methods: t.Container[str]) -> str:
    """Derived from the methods: each CRUD service has a query with a get_instance."""
    if f"{service}.get_instance" in methods:
        return "crud"
    return "config" if f"{service}.config" in methods and f"{service}.update" in methods else "service"


method("core.get_services", releases=["25.04"], login=False, model=models.GetServices)(get_services)
method("core.get_services", releases=SINCE_GOLDEYE, role_needed=False, model=models.GetServices)(get_services)


def get_methods(context: Context, service: str | None, target: str) -> dict[str, dict[str, bool]]:
    """Of each public method the caller may call: whether it is a job, and whether that takes or gives a file."""
    return {
        name: {"job": each.job, "downloadable": each.output_pipe, "uploadable": each.input_pipe}
        for name, each in sorted(REGISTRY.methods[context.release.name].items())
        if service in (None, name.rpartition(".")[0]) and not each.private and _may_call(context, each)
    }


method("core.get_methods", releases=["25.04"], login=False, model=models.GetMethods)(get_methods)
method("core.get_methods", releases=SINCE_GOLDEYE, role_needed=False, model=models.GetMethods)(get_methods)


@method("core.download", role_needed=False, model=models.Download)
def download(context: Context, method: str, args: list[t.Any], filename: str, buffered: bool) -> list[t.Any]:
    """A job whose output waits at an address that works once."""
    inner = _inner(context, method)
    authorise(inner, context.login)
    started = start_job(context, inner, args)
    return [started.id, _address(context, started, filename, buffered=buffered)]


@method("core.job_download_logs", role_needed=False, model=models.DownloadLogs)
def job_download_logs(context: Context, id: int, filename: str, buffered: bool) -> str:
    """By a job of its own, which needs none of the rights that `filesystem.get` asks of others."""
    meant = context.simulator.jobs.owned(id, context.caller)
    if meant.logs_path is None:
        raise CallError("This job has no logs")

    async def read(job: Job) -> None:
        job.give_output(meant.log_text.encode())

    started, _new = context.simulator.jobs.submit(
        _inner(context, "filesystem.get"), [meant.logs_path], read, login=context.login
    )
    return _address(context, started, filename, buffered=buffered)


def _address(context: Context, job: Job, filename: str, *, buffered: bool) -> str:
    """Let the job run; where its output can then be fetched."""
    job.announced.set()
    ttl = BUFFERED_SECONDS if buffered else DOWNLOAD_SECONDS
    token = context.simulator.accounts.add_token(
        context.caller.account,
        ttl=ttl,
        attributes={"filename": filename, "job": job.id},
        remote=context.remote,
        single_use=True,
    )
    return f"/_download/{job.id}?auth_token={token.text}"


def resize_shell(context: Context, id: str, cols: int, rows: int) -> None:
    """In line behind what has been typed there before."""
    shell = context.simulator.shells.get(id)
    if shell is None:
        raise CallError("Shell does not exist", errnos.ENOENT)
    shell.resize(cols, rows)


for release in RELEASES.values():
    method(
        "core.resize_shell",
        releases=[release.name],
        role_needed=not release.resize_shell_is_public,
        model=models.ResizeShell,
    )(resize_shell)


def _inner(context: Context, name: str) -> Method:
    found = context.simulator.method(name)
    if found is None:
        service, _dot, short = name.rpartition(".")
        raise CallError(f"Method {short!r} not found in {service!r}", ENOMETHOD)
    return found


def _may_call(context: Context, inner: Method) -> bool:
    try:
        authorise(inner, context.login)
    except CallError:
        return False
    return True


async def _one(context: Context, inner: Method, arguments: list[t.Any]) -> dict[str, t.Any]:
    row: dict[str, t.Any] = {"job_id": None} if context.release.bulk_rows_always_have_job_id or inner.job else {}
    if inner.job:
        try:
            started = start_job(context, inner, arguments)
        except SimulatedError as error:
            return row | {"error": str(error), "result": None}
        started.announced.set()
        await started.finished.wait()
        text = None if started.failure is None else str(started.failure)
        return row | {"job_id": started.id, "error": text, "result": started.result}
    ending = await run_plain(context, inner, arguments)
    if isinstance(ending, BaseException):
        return row | {"error": str(ending), "result": None}
    return row | {"error": None, "result": ending}


def _described(template: str, arguments: list[t.Any]) -> str:
    try:
        return template.format(*arguments)
    except (IndexError, KeyError, ValueError, AttributeError) as error:
        raise GenericError(str(error), type(error).__name__) from error
