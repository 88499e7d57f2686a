# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job of the NAS is, and what is known of the jobs seen so far; no I/O."""

from __future__ import annotations

import errno
import typing as t
from collections import OrderedDict
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api import refusals
from ansible_collections.pixels.truenas.plugins.module_utils._api.jsonrpc import (
    CALL_ERROR,
    INVALID_PARAMS,
    ServerError,
    problems,
)

FINISHED = ("SUCCESS", "FAILED", "ABORTED")
VALIDATIONS = ("VALIDATION", "ValidationError")
REMEMBERED = 500


class Progress(t.NamedTuple):
    """How far a job has got; C(percent) is 0 to 100."""

    percent: int
    description: str


@dataclass(frozen=True)
class Job:
    """One job as the NAS shows it. C(message_ids) is None on TrueNAS 25.04, which does not tell whose job it is."""

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
        return self.state in FINISHED


def job(row: t.Mapping[str, t.Any]) -> Job | None:
    """A job from an event or a row of C(core.get_jobs); None where the row makes no sense.

    The row's C(exception), C(exc_info.repr) and logs are left behind: they can hold secrets.
    """
    identity, method, state = row.get("id"), row.get("method"), row.get("state")
    if not (isinstance(identity, int) and isinstance(method, str) and isinstance(state, str)):
        return None
    message_ids = row.get("message_ids")
    return Job(
        id=identity,
        method=method,
        state=state,
        progress=_progress(row.get("progress")),
        arguments=row.get("arguments"),
        result=row.get("result"),
        message_ids=tuple(str(item) for item in message_ids) if isinstance(message_ids, list) else None,
        failure=_failure(row) if state == "FAILED" else None,
    )


class JobBook:
    """The last that was heard of each job, of ours and of others: events may come before we know which is ours."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[int, Job] = OrderedDict()
        self.highest_id = 0

    def note(self, news: Job) -> None:
        """Remember what was heard; a finished job stays finished, however late an older row arrives."""
        self.highest_id = max(self.highest_id, news.id)
        known = self._jobs.get(news.id)
        if known is not None and known.is_finished:
            return
        self._jobs[news.id] = news
        self._jobs.move_to_end(news.id)
        while len(self._jobs) > REMEMBERED:
            self._jobs.popitem(last=False)

    def get(self, identity: int) -> Job | None:
        """The last that was heard of this job."""
        return self._jobs.get(identity)

    def forget(self, identity: int) -> None:
        """Drop a job that is done with, whose result can be large."""
        self._jobs.pop(identity, None)


def _progress(shown: t.Any) -> Progress:
    match shown:
        case {"percent": int() | float() as percent, "description": str() | None as description}:
            return Progress(int(percent), description or "")
    return Progress(0, "")


def _failure(row: t.Mapping[str, t.Any]) -> ServerError:
    """A failed job's error in the shape of a failed call's, so that both are mapped in one place."""
    info = row.get("exc_info")
    if not isinstance(info, dict):
        info = {}
    reason = row.get("error")
    number = info.get("errno")
    is_validation = info.get("type") in VALIDATIONS
    return ServerError(
        code=INVALID_PARAMS if is_validation and number in (None, errno.EINVAL) else CALL_ERROR,
        errno=number if isinstance(number, int) else None,
        errname=refusals.errname(number) if isinstance(number, int) else "",
        reason=reason.strip() if isinstance(reason, str) else "",
        problems=problems(info.get("extra")) if is_validation else (),
    )
