# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out whether a job is the one that a call started; no I/O.

TrueNAS queues five jobs for the same lock. A further call is dropped, and returns the ID of the last queued job instead
of an error (middleware job.py).
"""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Job

MASK = "********"


def is_same_job(job: Job, method: str, params: t.Sequence[t.Any]) -> bool:
    """Return whether a job has this method and these arguments. An equal job of another caller counts as well.

    The ID of the request in `message_ids` proves nothing: TrueNAS also adds it to a job returned instead.
    """
    if job.method != method or not isinstance(job.arguments, list):
        return False
    # Omitted arguments may be shown with their defaults.
    return is_shown_as(job.arguments[: len(params)], params)


def find_again(jobs: t.Iterable[Job], method: str, params: t.Sequence[t.Any], request_id: str) -> Job | None:
    """Return the job of a request without a reply: by request ID, or by arguments if the NAS does not report IDs."""
    newest_first = sorted(jobs, key=lambda job: job.id, reverse=True)
    for job in newest_first:
        if request_id in (job.message_ids or ()) and is_same_job(job, method, params):
            return job
    for job in newest_first:
        if job.message_ids is None and is_same_job(job, method, params):
            return job
    return None


def is_shown_as(shown: t.Any, sent: t.Any) -> bool:
    """Return whether the NAS shows `sent` as `shown`: with secrets masked and defaults for omitted values."""
    if shown == MASK:
        return True
    if isinstance(sent, t.Mapping):
        return isinstance(shown, t.Mapping) and all(
            is_shown_as(shown[key], value) if key in shown else value is None for key, value in sent.items()
        )
    if isinstance(sent, (list, tuple)):
        if not isinstance(shown, (list, tuple)) or len(shown) != len(sent):
            return False
        return all(is_shown_as(item, value) for item, value in zip(shown, sent, strict=True))
    if isinstance(sent, (set, frozenset)):
        if not isinstance(shown, (set, frozenset, list)) or len(shown) != len(sent):
            return False
        return all(each in shown for each in sent)
    return bool(shown == sent)
