# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a job is the one that a call of ours started; no I/O.

TrueNAS lets five jobs wait for the same lock. A further call is thrown away, and its caller is given the id of the last
waiting job instead, without a word (middleware job.py).
"""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Job

MASK = "********"


def is_ours(job: Job, method: str, params: t.Sequence[t.Any]) -> bool:
    """Whether this job does what we asked for; the very same thing asked for by somebody else is as good.

    That our request's id is among its C(message_ids) proves nothing: it is added to a substitute, too.
    """
    if job.method != method or not isinstance(job.arguments, list):
        return False
    # Arguments that were left out may be shown with their defaults.
    return shows(job.arguments[: len(params)], params)


def find_again(jobs: t.Iterable[Job], method: str, params: t.Sequence[t.Any], request_id: str) -> Job | None:
    """The job that a request started whose answer was lost; by arguments only where the NAS keeps no request ids."""
    newest_first = sorted(jobs, key=lambda job: job.id, reverse=True)
    for job in newest_first:
        if request_id in (job.message_ids or ()) and is_ours(job, method, params):
            return job
    for job in newest_first:
        if job.message_ids is None and is_ours(job, method, params):
            return job
    return None


def shows(shown: t.Any, sent: t.Any) -> bool:
    """Whether C(shown) is how the NAS shows C(sent): secrets masked, and what was left out filled with defaults."""
    if shown == MASK:
        return True
    if isinstance(sent, t.Mapping):
        return isinstance(shown, t.Mapping) and all(
            shows(shown[key], value) if key in shown else value is None for key, value in sent.items()
        )
    if isinstance(sent, (list, tuple)):
        if not isinstance(shown, (list, tuple)) or len(shown) != len(sent):
            return False
        return all(shows(item, value) for item, value in zip(shown, sent, strict=True))
    if isinstance(sent, (set, frozenset)):
        return isinstance(shown, (set, frozenset, list)) and set(shown) == set(sent)
    return bool(shown == sent)
