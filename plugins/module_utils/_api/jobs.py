# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of the NAS, and the last known state of each; no I/O."""

from __future__ import annotations

import errno
import typing as t
from collections import OrderedDict
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api import error_mapping
from ansible_collections.pixels.truenas.plugins.module_utils._api.jsonrpc import (
    CALL_ERROR,
    INVALID_PARAMS,
    ServerError,
    problems,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import QUOTE_LIMIT, safe_text

FINISHED = ("SUCCESS", "FAILED", "ABORTED")
VALIDATIONS = ("VALIDATION", "ValidationError")
MAX_JOBS = 500
"""How many jobs to remember."""

SHOWN = ("error", "exc_info")
"""Fields of a row that explain a failure."""


def with_masked_texts(rows: t.Any, redact: t.Callable[[t.Any], t.Any]) -> t.Any:
    """Return the result of `core.get_jobs` with secrets masked in the fields that explain a failure."""
    if not isinstance(rows, list):
        return rows
    return [
        {**row, **{name: redact(row[name]) for name in SHOWN if name in row}} if isinstance(row, dict) else row
        for row in rows
    ]


class Progress(t.NamedTuple):
    """The progress of a job; `percent` is 0 to 100."""

    percent: int
    description: str


@dataclass(frozen=True)
class Job:
    """One job. `message_ids` has the IDs of its requests, and is None on TrueNAS 25.04, which does not report them."""

    id: int
    method: str
    state: str
    progress: Progress
    arguments: t.Any = field(repr=False)
    result: t.Any = field(repr=False)
    message_ids: tuple[str, ...] | None
    failure: ServerError | None

    @property
    def is_finished(self) -> bool:
        """Whether the job has ended."""
        return self.state in FINISHED


def job(row: t.Mapping[str, t.Any], redact: t.Callable[[t.Any], t.Any] = lambda value: value) -> Job | None:
    """Convert an event or a row of `core.get_jobs`; None for an invalid row.

    `redact` masks secrets in the texts of the row, and raises `ValueError` for an invalid row. The `exception`,
    `exc_info.repr` and logs of the row are dropped: they can hold secrets.
    """
    identity, method, state = row.get("id"), row.get("method"), row.get("state")
    if not (isinstance(identity, int) and isinstance(method, str) and isinstance(state, str)):
        return None
    message_ids = row.get("message_ids")
    try:
        progress = redact(row.get("progress"))
        failed = redact({name: row.get(name) for name in SHOWN}) if state == "FAILED" else None
    except ValueError:
        return None
    return Job(
        id=identity,
        method=method,
        state=state,
        progress=_progress(progress),
        arguments=row.get("arguments"),
        result=row.get("result"),
        message_ids=tuple(each for each in message_ids if isinstance(each, str))
        if isinstance(message_ids, list)
        else None,
        failure=None if failed is None else _failure(failed),
    )


class JobTable:
    """The last known state of each job, of other callers as well: an event may arrive before the ID of a new job."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[int, Job] = OrderedDict()
        self._forgotten: OrderedDict[int, None] = OrderedDict()
        self.highest_id = 0

    def note(self, news: Job) -> None:
        """Record a state. A finished job stays finished if an older row arrives later."""
        self.highest_id = max(self.highest_id, news.id)
        known = self._jobs.get(news.id)
        if known is not None and known.is_finished:
            return
        self._jobs[news.id] = news
        self._jobs.move_to_end(news.id)
        while len(self._jobs) > MAX_JOBS:
            self._jobs.popitem(last=False)

    def note_event(self, news: Job) -> None:
        """Record an event. Those of a forgotten job are ignored: TrueNAS may repeat the last one."""
        if news.id not in self._forgotten:
            self.note(news)

    def get(self, identity: int) -> Job | None:
        """Return the last known state of a job."""
        return self._jobs.get(identity)

    def forget(self, identity: int) -> None:
        """Drop a finished job, whose result can be large."""
        self._jobs.pop(identity, None)
        self._forgotten[identity] = None
        while len(self._forgotten) > MAX_JOBS:
            self._forgotten.popitem(last=False)


def _progress(shown: t.Any) -> Progress:
    match shown:
        case {"percent": int() | float() as percent, "description": str() | None as description}:
            # Infinity is limited to 100 as well.
            return Progress(int(min(max(percent, 0), 100)), safe_text(description or "", limit=QUOTE_LIMIT))
    return Progress(0, "")


def _failure(row: t.Mapping[str, t.Any]) -> ServerError:
    """Return the error of a failed job in the form of that of a failed call, so that both are mapped in one place."""
    info = row.get("exc_info")
    if not isinstance(info, dict):
        info = {}
    reason = row.get("error")
    number = info.get("errno")
    is_validation = info.get("type") in VALIDATIONS
    return ServerError(
        code=INVALID_PARAMS if is_validation and number in (None, errno.EINVAL) else CALL_ERROR,
        errno=number if isinstance(number, int) else None,
        errname=error_mapping.errname(number) if isinstance(number, int) else "",
        reason=reason.strip() if isinstance(reason, str) else "",
        problems=problems(info.get("extra")) if is_validation else (),
    )
