# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One job: its state, and the row that `core.get_jobs` and its events show of it (middleware job.py)."""

from __future__ import annotations

import asyncio
import datetime
import traceback
import typing as t

from tests.simulator.errors import CallError, GenericError, ValidationError, ValidationErrors
from tests.simulator.redact import redact, redact_arguments

if t.TYPE_CHECKING:
    from tests.simulator.accounts import Login
    from tests.simulator.releases import Release

WAITING, RUNNING, SUCCESS, FAILED, ABORTED = "WAITING", "RUNNING", "SUCCESS", "FAILED", "ABORTED"
EXCERPT_LINES = 10


class Changed(t.Protocol):
    """Called for each change that is visible to clients."""

    def __call__(self, job: Job, msg: str) -> None: ...


class Job:
    """What a job's handler may use: `id`, `set_progress`, `log`, `read_input`, `give_output`."""

    def __init__(
        self,
        id: int,
        method: str,
        arguments: list[t.Any],
        *,
        release: Release,
        login: Login | None,
        changed: Changed,
        with_logs: bool = False,
    ) -> None:
        self.id = id
        self.method = method
        self.arguments = arguments
        self._release = release
        self._login = login
        self.message_ids: list[t.Any] = []
        self.state = WAITING
        self.progress: dict[str, t.Any] = {"percent": 0, "description": "", "extra": None}
        self.result: t.Any = None
        self.failure: BaseException | None = None
        self.time_started = _now()
        self.time_finished: datetime.datetime | None = None
        self.finished = asyncio.Event()
        self.announced = asyncio.Event()
        """Set once the caller has received the id: a job never runs before that."""
        self.turn = asyncio.Event()
        """Set while the job holds its lock."""
        self.abort_wanted = False
        self.followers: list[Job] = []
        """Jobs that show the progress of this one as their own."""
        self._closed = False
        self.output: bytes | None = None
        """What a download may fetch once, after the end of the job."""
        self._input: bytes | None = None
        self._logs: list[str] | None = [] if with_logs else None
        self._changed = changed

    def set_progress(self, percent: int | None = None, description: str | None = None, extra: t.Any = None) -> None:
        """Every change is an event; what is not given stays."""
        if percent is not None:
            self.progress["percent"] = percent
        if description is not None:
            self.progress["description"] = description
        if extra is not None:
            self.progress["extra"] = extra
        self._changed(self, "changed")
        for follower in self.followers:
            follower.set_progress(percent, description, extra)

    def log(self, text: str) -> None:
        """Only jobs registered with `logs=True` have a log."""
        if self._logs is not None:
            self._logs.extend(text.splitlines())

    @property
    def log_text(self) -> str | None:
        """What has been logged so far; None where there is no log."""
        return None if self._logs is None else "".join(f"{line}\n" for line in self._logs)

    def give_input(self, content: bytes) -> None:
        """Open the input pipe: what an upload sends."""
        self._input = content

    async def read_input(self) -> bytes:
        """All that was uploaded. Raises `GenericError` where there was no upload."""
        if self._input is None:
            raise GenericError("Pipe 'input' is not open", "ValueError")
        return self._input

    def give_output(self, content: bytes) -> None:
        """What `core.download` is about."""
        self.output = content

    def run(self) -> None:
        self.state = RUNNING
        self._changed(self, "changed")

    def succeed(self, result: t.Any) -> None:
        """The first of the two SUCCESS events, which is skipped when the progress was already at 100."""
        self._end(SUCCESS)
        self.result = result
        if self.progress["percent"] != 100:
            self.set_progress(100)

    def fail(self, failure: BaseException) -> None:
        self._end(FAILED)
        self.failure = failure

    def abort(self) -> None:
        self._end(ABORTED)

    def close(self) -> None:
        """The last event, the first with an excerpt of the log."""
        self._closed = True
        self._changed(self, "changed")
        self.finished.set()

    def _end(self, state: str) -> None:
        self.state = state
        self.time_finished = _now()

    @property
    def owner(self) -> Login | None:
        """Return the account that started the job, if the middleware still knows it (since 25.10, not after logout)."""
        if self._login is not None and self._login.closed and not self._release.jobs_outlive_their_login:
            return None
        return self._login

    def visible_to(self, login: Login) -> bool:
        return login.full_admin or (self.owner is not None and self.owner.username == login.username)

    def row(self, *, raw_result: bool) -> dict[str, t.Any]:
        """The complete job object: events show the result as it is, queries by default without its secrets."""
        row: dict[str, t.Any] = {"id": self.id}
        if self._release.message_ids:
            row["message_ids"] = list(self.message_ids)
        return row | {
            "method": self.method,
            "arguments": redact_arguments(self.method, self.arguments),
            "transient": False,
            "description": None,
            "abortable": False,
            "logs_path": self.logs_path,
            "logs_excerpt": self._excerpt(),
            "progress": dict(self.progress),
            "result": self.result if raw_result else redact(self.method, self.result),
            "result_encoding_error": None,
            "error": None if self.failure is None else str(self.failure),
            "exception": None if self.failure is None else "".join(traceback.format_exception(self.failure)),
            "exc_info": None if self.failure is None else _exc_info(self.failure),
            "state": self.state,
            "time_started": self.time_started,
            "time_finished": self.time_finished,
            "credentials": None if self.owner is None else self.owner.as_row(self._release),
        }

    @property
    def logs_path(self) -> str | None:
        return None if self._logs is None else f"/var/log/jobs/{self.id}.log"

    def _excerpt(self) -> str | None:
        """The first and the last ten lines, from the final event on."""
        if self._logs is None or not self._closed:
            return None
        if len(self._logs) <= 2 * EXCERPT_LINES:
            return "\n".join(self._logs)
        left_out = len(self._logs) - 2 * EXCERPT_LINES
        lines = [*self._logs[:EXCERPT_LINES], f"... {left_out} more lines ...", *self._logs[-EXCERPT_LINES:]]
        return "\n".join(lines)


def _exc_info(failure: BaseException) -> dict[str, t.Any]:
    """`errno` is null for several validation errors and for exceptions that are not middleware's own."""
    info: dict[str, t.Any] = {"repr": repr(failure), "type": type(failure).__name__, "errno": None, "extra": None}
    if isinstance(failure, (ValidationErrors, ValidationError)):
        info |= {"type": "VALIDATION", "extra": [list(triple) for triple in failure.triples]}
    if isinstance(failure, (CallError, ValidationError)):
        info["errno"] = failure.errno
    if isinstance(failure, CallError):
        info["extra"] = failure.extra
    if isinstance(failure, GenericError):
        info["type"] = failure.kind
    return info


def _now() -> datetime.datetime:
    return datetime.datetime.now(tz=datetime.UTC)
