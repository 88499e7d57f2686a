# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talks to one NAS: logs in, calls, runs jobs, and comes back after a lost connection."""

from __future__ import annotations

import os
import threading
import time
import types
import typing as t
from contextlib import ExitStack

from ansible_collections.pixels.truenas.plugins.module_utils._api.connection import Connection
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint, Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    ConnectionLost,
    LoginRefused,
    OutcomeUnknown,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.following import JobRun
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Progress
from ansible_collections.pixels.truenas.plugins.module_utils._api.login import log_in, refuse_unsafe
from ansible_collections.pixels.truenas.plugins.module_utils._api.refusals import NOT_AUTHENTICATED
from ansible_collections.pixels.truenas.plugins.module_utils._api.shells import LentShell, ShellPool
from ansible_collections.pixels.truenas.plugins.module_utils._api.transport import WebSocketTransport

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.webshell import WebShell

__all__ = ["Credential", "Endpoint", "Progress", "Session", "Timeouts"]

# Good for 300 s, for everything, from this address only, and once.
TOKEN: tuple[t.Any, ...] = (300, {}, True, True)
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0

T = t.TypeVar("T")


def say_nothing(message: str) -> None:
    """The notice of a caller that does not care about waits."""


def admit_all(method: str, params: t.Sequence[t.Any]) -> None:
    """The gate of a session whose logins nobody counts."""


class Session:
    """One logged-in conversation with a NAS; it connects at its first use, and any number of threads may call.

    At most 10 calls are in flight, the others wait. A session belongs to the process that made it: in a child made by
    fork its listening thread does not exist and its socket is the parent's, so there it raises ConnectionFailed, and
    C(close) does nothing. Every method raises errors of C(errors.py), each with the whole sentence for the user.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credential: Credential,
        *,
        timeouts: Timeouts = Timeouts(),
        notice: t.Callable[[str], None] = say_nothing,
        admit: t.Callable[[str, t.Sequence[t.Any]], None] = admit_all,
    ) -> None:
        """C(notice) is told, in a sentence, when the session waits for something the user may wonder about.

        C(admit) is asked before each call of a login, and raises RateLimited to have it wait as if the NAS had said so.
        """
        self.nas = endpoint.nas
        self._endpoint = endpoint
        self._credential = credential
        self._timeouts = timeouts
        self._notice = notice
        self._admit = admit
        self._process = os.getpid()
        self._opening = threading.Lock()
        self._connection: Connection | None = None
        self._was_open = False
        self._closed = False
        self._shells = ShellPool(self._open_shell)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self.close()

    @property
    def is_connected(self) -> bool:
        """Whether the next call finds an open connection, and neither connects nor logs in."""
        return self._connection is not None and self._connection.is_alive

    @property
    def connection(self) -> Connection | None:
        """What the next call goes over, where it neither connects nor logs in."""
        return self._connection if self.is_connected and not self._closed else None

    def connect(self, *, patience: float | None = None) -> None:
        """Connect and log in now; a NAS that was there before may take C(patience) seconds to come back."""
        self._live(self._timeouts.connect if patience is None else patience)

    def read(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """Call a method that changes nothing; after a lost connection it is asked again, within C(timeout) seconds."""
        seconds = self._timeouts.call if timeout is None else timeout
        return self._converse(lambda connection, left: connection.call(method, params, timeout=left), seconds)

    def call(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """Call a method that changes something, at most once; OutcomeUnknown when it left and its answer is lost."""

        def once(connection: Connection, left: float) -> t.Any:
            try:
                return connection.call(method, params, timeout=left)
            except ConnectionLost as lost:
                if not lost.sent:
                    raise
                problem = str(lost)
            raise OutcomeUnknown(f"{problem}; {method} was sent, and may or may not be done: run again")

        return self._converse(once, self._timeouts.call if timeout is None else timeout)

    def run_job(
        self,
        method: str,
        *params: t.Any,
        timeout: float | None = None,
        progress: t.Callable[[Progress], None] | None = None,
    ) -> t.Any:
        """Start a job, wait up to C(timeout) seconds for its end, and return its result.

        C(progress) is called in this thread with the newest progress. Raises TimedOut (the job goes on), JobAborted,
        OutcomeUnknown when the job is lost from sight, Refused when the NAS gave us another caller's job instead.
        """
        run = JobRun(
            self._converse,
            method,
            params,
            nas=self.nas,
            call_timeout=self._timeouts.call,
            timeout=self._timeouts.job if timeout is None else timeout,
            progress=progress,
        )
        return run.result()

    def download(self, method: str, *params: t.Any, timeout: float | None = None) -> bytes:
        """What a download method sends, such as the content of a file; C(timeout) in seconds for each wait."""
        seconds = self._timeouts.call if timeout is None else timeout
        # Only here: it takes longer to load than all the rest, and few need it.
        from ansible_collections.pixels.truenas.plugins.module_utils._api.download import fetch

        # Not a read: each path it answers with starts a job of its own, and works once.
        _job, path = self.call("core.download", method, list(params), "download", timeout=seconds)
        return fetch(self._endpoint, path, timeout=seconds)

    def borrow_shell(self, options: t.Mapping[str, t.Any], *, timeout: float | None = None) -> LentShell:
        """A shell beside the API, in which C(options) says what runs; it is this session's, and ends with it."""
        return self._shells.borrow(options, timeout=self._timeouts.connect if timeout is None else timeout)

    def sweep_shells(self) -> None:
        """End the shells that nobody has used for a while."""
        self._shells.sweep()

    def close(self) -> None:
        """Say goodbye; jobs that were started go on at the NAS."""
        if self._process != os.getpid():
            return
        self._closed = True
        self._shells.close()
        connection = self._connection
        if connection is not None:
            connection.close()

    def _open_shell(self, options: t.Mapping[str, t.Any], timeout: float) -> WebShell:
        from ansible_collections.pixels.truenas.plugins.module_utils._api.webshell import WebShell

        # For one use from this address; made again it is another one, so nothing is lost with the answer.
        token = self.read("auth.generate_token", *TOKEN)
        return WebShell(self._endpoint, token, options, timeout=timeout)

    def _converse(self, action: t.Callable[[Connection, float], T], timeout: float) -> T:
        """Do something over a live connection, and again over the next one if that breaks or its login has ended.

        C(timeout) bounds the time spent in calls and pauses; connecting and logging in have bounds of their own.
        """
        left, pause, may_log_in_again = timeout, FIRST_PAUSE, True
        while True:
            connection = self._live(max(left, self._timeouts.connect))
            logins, begun = connection.logins, time.monotonic()
            try:
                return action(connection, left)
            except ConnectionLost as lost:
                failure = lost
            except LoginRefused as expired:
                if expired.response_type != NOT_AUTHENTICATED or not may_log_in_again:
                    raise
                # The NAS turned the call away at the door: nothing ran, whatever the call was for.
                may_log_in_again = False
                self._log_in_again(connection, logins)
                continue
            left -= time.monotonic() - begun + pause
            if left <= 0:
                raise failure
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _live(self, patience: float) -> Connection:
        """The open connection, or a new one; C(patience) is how long a NAS that was there may take to come back."""
        self._refuse_misuse()
        # From before the wait for other threads that try the same.
        until = time.monotonic() + (patience if self._was_open else self._timeouts.connect)
        with self._opening:
            if self._connection is not None and self._connection.is_alive:
                return self._connection
            pause = FIRST_PAUSE
            while True:
                self._refuse_misuse()
                try:
                    self._connection = self._open()
                except ConnectionFailed as error:
                    if time.monotonic() + pause > until or not (error.passing or self._was_open):
                        raise
                    trouble = str(error)
                else:
                    self._was_open = True
                    return self._connection
                if pause == FIRST_PAUSE:
                    self._notice(f"waiting up to {until - time.monotonic():.0f} s for {self.nas}: {trouble}")
                time.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _open(self) -> Connection:
        refuse_unsafe(self._endpoint, self._credential)
        connection = Connection(WebSocketTransport(self._endpoint, timeout=self._timeouts.connect), self.nas)
        with ExitStack() as undo:
            undo.callback(connection.close)
            self._log_in(connection)
            undo.pop_all()
        return connection

    def _log_in(self, connection: Connection) -> None:
        def ask(method: str, *params: t.Any) -> t.Any:
            self._admit(method, params)
            return connection.call(method, params, timeout=self._timeouts.call)

        log_in(
            ask,
            self._credential,
            nas=self.nas,
            login_wait=self._timeouts.login_wait,
            notice=self._notice,
            unverified=not (self._endpoint.validate_certs or self._endpoint.plain or self._endpoint.is_loopback),
        )
        connection.logins += 1

    def _log_in_again(self, connection: Connection, logins: int) -> None:
        with self._opening:
            if connection.logins == logins:
                self._log_in(connection)

    def _refuse_misuse(self) -> None:
        if self._process != os.getpid():
            raise ConnectionFailed(
                f"this session with {self.nas} belongs to process {self._process} and does not work after a fork: "
                "open another one in this process"
            )
        if self._closed:
            raise ConnectionFailed(f"this session with {self.nas} is closed")
