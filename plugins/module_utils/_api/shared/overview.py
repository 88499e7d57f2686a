# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which holders of sessions this user has, and the end of them."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.identity import VERSION
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.link import Link, LinkLost, WrongHolder
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.rendezvous import NoRendezvous, connect, find

CONNECT_TIMEOUT = 5.0
ANSWER_WITHIN = 5.0
END_WITHIN = 10.0


@dataclass(frozen=True)
class HolderStatus:
    """One living holder; times are in seconds."""

    pid: int
    nas: str
    username: str
    age: float
    idle: float
    """How long it stays after the last call."""
    callers: int
    """Connected now."""
    calls: int
    """Since it was started."""
    calls_under_way: int
    is_current: bool
    """Whether it runs the code of this caller; another one only waits for the end of its own callers."""


def status() -> list[HolderStatus]:
    """All holders of this user that answer. Raises NoRendezvous where there can be none, with the reason."""
    answers = [_status_at(path) for path in _sockets()]
    return [answer for answer in answers if answer is not None]


def stop(pids: t.Container[int] | None = None) -> list[int]:
    """End all holders, or those with these ids; the ids of those that have ended.

    Calls under way are cut off: their callers repeat what they read, and cannot know the outcome of what they change.
    Jobs go on at the NAS. Raises NoRendezvous.
    """
    ended = [_stop_at(path, pids) for path in _sockets()]
    return [pid for pid in ended if pid is not None]


def _sockets() -> list[str]:
    try:
        return find().sockets()
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
    raise NoRendezvous(reason)


def _status_at(path: str) -> HolderStatus | None:
    with contextlib.suppress(LinkLost), contextlib.ExitStack() as stack:
        link = _link(path)
        if link is not None:
            stack.callback(link.close)
            answer = link.exchange({"ask": "status"}, timeout=ANSWER_WITHIN).get("status")
            if isinstance(answer, dict):
                version = answer.pop("version", "")
                return HolderStatus(**answer, is_current=version == VERSION)
    return None


def _stop_at(path: str, pids: t.Container[int] | None) -> int | None:
    with contextlib.suppress(LinkLost), contextlib.ExitStack() as stack:
        link = _link(path)
        if link is not None:
            stack.callback(link.close)
            if pids is not None and link.pid not in pids:
                return None
            answer = link.exchange({"ask": "stop"}, timeout=ANSWER_WITHIN)
            if "stopping" in answer and link.wait_for_the_end(END_WITHIN):
                return link.pid
    return None


def _link(path: str) -> Link | None:
    """A connection to the holder there; None when it is gone, hangs, or speaks another language."""
    try:
        connection = connect(path, timeout=CONNECT_TIMEOUT)
        return None if connection is None else Link(connection, patience=ANSWER_WITHIN)
    except (OSError, LinkLost, WrongHolder):
        return None
