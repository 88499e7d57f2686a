# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults that a test has ordered: what goes wrong next, and how often."""

from __future__ import annotations

import math
import threading
import typing as t
from dataclasses import dataclass, field

NAMES = frozenset(
    {
        "drop_before_call",
        "drop_before_reply",
        "drop_after_reply",
        "drop_mid_job",
        "delay",
        "fail_call",
        "fail_job",
        "answer_with",
        "end_job_with",
        "abort_job",
        "substitute_job",
        "restart_middleware",
        "rate_limit",
        "login_response",
        "remove_role",
        "busy_delete",
        "stop_times_out",
        "shows_status",
        "reorder",
        "refuse_shell",
        "close_shell",
        "drop_shell",
        "end_shell",
        "freeze_shell",
        "small_frames",
        "early_echo",
    }
)
"""
drop_before_call    the connection is cut as the call arrives, nothing is executed
drop_before_reply   the call is executed (a job: made), then the connection is cut
drop_after_reply    the connection is cut right after the reply
drop_mid_job        the connection is cut once the job runs; the job goes on
delay               seconds: the call waits so long before it is executed
fail_call           errno, reason, extra: the call is answered with this CallError, nothing is executed
fail_job            kind (CallError, VALIDATION or an exception's name), errno, text, extra: the job fails at once
answer_with         value or text, binary: the call is executed, and answered with this result; or with this text as
                    the whole message, in which ID stands for the id of the call, as text or as a binary message
                    (lone surrogates U+DC80 to U+DCFF are sent as single bytes)
end_job_with        value: the job is executed, and this is its result
abort_job           the job ends as ABORTED, nothing is executed
substitute_job      the call is discarded and answered with the id of a job of another call
restart_middleware  seconds: connections cut, jobs forgotten, 502 for so long; a job method: once its job runs
rate_limit          a call without login is refused as one too many
login_response      response: what auth.login_ex answers instead, for example {"response_type": "DENIED"}
remove_role         role, username: taken away for good (until the faults are cleared); counts no times
busy_delete         the dataset of the container is busy as it is deleted: an error after `seconds` (0); TrueNAS 26
                    leaves it behind and reports nothing
stop_times_out      late: the container does not stop in time, but so many seconds later, and shows UNKNOWN until then;
                    without it it has not heard of the stop; TrueNAS 26 says nothing of that either
shows_status        status: what Incus says of a container is this instead; the method is the name of the container
reorder             the reply is held back until another call of the connection has been answered

Those of web shells have the name of a container where others have a method; C(delay) with the method /websocket/shell
holds back the answer to a token.

refuse_shell        error, reason: the token is answered with this failure; the client may try again
close_shell         text: a shell cannot be set up: the connection closes without a reply; with a text (bytes as str)
                    it is connected, says this and closes, as where the NAS's own C(incus) fails
drop_shell          after_input or after_output: once so many bytes more have passed in that direction the connection is
                    cut, without a close frame; with neither, as soon as anything happens in the shell
end_shell           the same, but the shell ends and the connection closes in order
freeze_shell        the same, but from then on nothing passes in either direction, pings neither
small_frames        size: a new shell's output arrives in frames of at most so many bytes
early_echo          what a new shell gets before it has said anything is echoed by the NAS's own terminal as well
"""


FOREVER = math.inf
"""As often as that: until the faults are cleared."""


@dataclass
class Fault:
    name: str
    method: str | None
    """Only calls of this method; None is any."""
    times: float
    after: int = 0
    """Number of calls that still succeed before the fault."""
    details: dict[str, t.Any] = field(default_factory=dict)
    counted: str | None = None
    """Only calls of this method are counted by `after`; None is all that the fault is about."""


class Faults:
    """The faults still to come, in the order they were added; used from the loop and from tests' threads."""

    def __init__(self, *, role_removed: t.Callable[[str, str | None], None], cleared: t.Callable[[], None]) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()
        self._role_removed = role_removed
        self._cleared = cleared

    def add(self, name: str, *, method: str | None = None, times: float = 1, after: int = 0, **details: t.Any) -> None:
        """Add a fault after `after` successful calls. Raises `ValueError` for an unknown name."""
        if name not in NAMES:
            raise ValueError(f"there is no fault {name}; there are {', '.join(sorted(NAMES))}")
        if name == "remove_role":
            self._role_removed(details["role"], details.get("username"))
            return
        with self._lock:
            self._waiting.append(Fault(name, method, times, after, details))

    def go_away(self, *, after: int = 0, of: str | None = None) -> None:
        """From then on every call finds a connection that breaks, a login too, until the faults are cleared.

        `after` is the number of calls that succeed before, or of calls `of` a method.
        """
        with self._lock:
            self._waiting.append(Fault("drop_before_call", None, FOREVER, after, counted=of))

    def take(
        self, name: str, method: str | None = None, *, when: t.Callable[[Fault], bool] = lambda fault: True
    ) -> Fault | None:
        """The next fault of that name for that method, which is used up by one; None when all shall go well."""
        with self._lock:
            for fault in self._waiting:
                if fault.name == name and (method is None or fault.method in (None, method)) and when(fault):
                    if fault.after > 0:
                        fault.after -= fault.counted in (None, method)
                        continue
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                    return fault
        return None

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
        self._cleared()

    @property
    def waiting(self) -> list[str]:
        """Names of what has not happened yet: a test may check that all its faults struck."""
        with self._lock:
            return [fault.name for fault in self._waiting]
