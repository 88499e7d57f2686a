# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session with one NAS: log in, call methods, run jobs, and reconnect after a lost connection."""

from __future__ import annotations

import os
import threading
import time
import typing as t
from contextlib import ExitStack

from ansible_collections.pixels.truenas.plugins.module_utils._api.connection import Connection
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint, Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._api.error_mapping import NOT_AUTHENTICATED
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    GARBLED,
    ConnectionFailed,
    ConnectionLost,
    LoginRefused,
    OutcomeUnknown,
    TimedOut,
    UnexpectedReply,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._api.job_runner import JobRun
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Progress
from ansible_collections.pixels.truenas.plugins.module_utils._api.login import log_in, refuse_unsafe
from ansible_collections.pixels.truenas.plugins.module_utils._api.redaction import Redactor
from ansible_collections.pixels.truenas.plugins.module_utils._api.shell_pool import ShellLease, ShellPool
from ansible_collections.pixels.truenas.plugins.module_utils._api.transport import WebSocketTransport

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.webshell import WebShell

__all__ = ["Credential", "Endpoint", "Progress", "Session", "Timeouts"]

TOKEN: tuple[t.Any, ...] = (300, {}, True, True)
"""Arguments of `auth.generate_token`: valid for 300 s, no attributes, for this address only, for one use."""
FIRST_PAUSE_S = 0.2
MAX_PAUSE_S = 5.0

T = t.TypeVar("T")

NO_MESSAGE = "it is not a message of the API"


def ignore_notice(message: str) -> None:
    """Ignore a notice."""


def one_time_secrets(params: t.Sequence[t.Any]) -> list[str]:
    """Return the secrets in a message of a SCRAM login: nonces, and the proof."""
    message = params[0].get("rfc_str") if params and isinstance(params[0], dict) else None
    fields = message.split(",") if isinstance(message, str) else ()
    return [field[2:] for field in fields if field.startswith(("r=", "p="))]


def admit_all(method: str, params: t.Sequence[t.Any]) -> None:
    """Admit every login."""


class Session:
    """A session with a NAS. It connects on first use, and any number of threads may call.

    At most 10 calls run at the same time; others wait. A session belongs to the process that created it: a forked
    process has no receiving thread and shares the socket, so there calls raise `ConnectionFailed`, and `close` does
    nothing. Methods raise the errors of `errors.py`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credential: Credential,
        *,
        timeouts: Timeouts = Timeouts(),
        notice: t.Callable[[str], None] = ignore_notice,
        admit: t.Callable[[str, t.Sequence[t.Any]], None] = admit_all,
    ) -> None:
        """`notice` gets a message when the session waits for a reason that the user should know.

        `admit` is called before each call of a login, and raises `RateLimited` to delay it.
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
        self._redactor = Redactor(credential)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def is_connected(self) -> bool:
        """Whether the session is connected and logged in."""
        return self._connection is not None and self._connection.is_alive

    @property
    def connection(self) -> Connection | None:
        """The connection of the next call; None if that would have to connect first."""
        return self._connection if self.is_connected and not self._closed else None

    def connect(self, *, timeout: float | None = None) -> None:
        """Connect and log in now. A NAS that was connected before may take `timeout` seconds to return."""
        self._connected(self._timeouts.connect if timeout is None else timeout)

    def read(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """Call a method that changes nothing, within `timeout` seconds. It is repeated after a lost connection."""
        seconds = self._timeouts.call if timeout is None else timeout
        return self._with_connection(
            lambda connection, left: connection.call(method, params, timeout=left), seconds, method
        )

    def call(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """Call a method that changes something, at most once. Raises `OutcomeUnknown` if no reply arrives in time."""

        def once(connection: Connection, left: float) -> t.Any:
            try:
                return connection.call(method, params, timeout=left, changes=True)
            except ConnectionLost as lost:
                if not lost.sent:
                    raise
                problem, is_garbled = str(lost), lost.ending == GARBLED
            except TimedOut as late:
                if not late.pending:
                    raise
                problem, is_garbled = str(late), False
            if is_garbled:
                raise UnexpectedReply.about(NO_MESSAGE, method=method, nas=self.nas, changes=True)
            raise OutcomeUnknown(f"{problem}; {method} was sent, and may or may not be done").with_hints(
                Hint.run_again()
            )

        return self._with_connection(once, self._timeouts.call if timeout is None else timeout)

    def run_job(
        self,
        method: str,
        *params: t.Any,
        timeout: float | None = None,
        call_timeout: float | None = None,
        progress: t.Callable[[Progress], None] | None = None,
    ) -> t.Any:
        """Start a job, wait up to `timeout` seconds for its end, and return its result.

        `call_timeout`, in seconds, is for the call that starts it, and defaults to that of the session. `progress` is
        called in this thread. Raises `TimedOut` (the job continues), `JobAborted`, `OutcomeUnknown` if the job cannot
        be found again, and `Refused` if the NAS returned another job instead.
        """
        run = JobRun(
            self._with_connection,
            method,
            params,
            nas=self.nas,
            call_timeout=self._timeouts.call if call_timeout is None else call_timeout,
            timeout=self._timeouts.job if timeout is None else timeout,
            progress=progress,
        )
        return run.result()

    def download(self, method: str, *params: t.Any, timeout: float | None = None) -> bytes:
        """Return what a download method sends, such as the content of a file; `timeout` (seconds) is for each wait."""
        seconds = self._timeouts.call if timeout is None else timeout
        # Imported here: it takes long to load, and is seldom needed.
        from ansible_collections.pixels.truenas.plugins.module_utils._api.download import fetch

        # Not a read: each call starts a job, and its path works once.
        match self.call("core.download", method, list(params), "download", timeout=seconds):
            case [_, str() as path] if path.startswith("/"):
                # The path contains a token.
                self._redactor.add(path, generated=True)
                return fetch(self._endpoint, path, timeout=seconds)
        raise UnexpectedReply.about("the result is not the path of a download", method="core.download", nas=self.nas)

    def borrow_shell(
        self, options: t.Mapping[str, t.Any], *, timeout: float | None = None, unused: bool = False
    ) -> ShellLease:
        """Return a web shell, which ends with this session. `options` determine the program that runs in it.

        With `unused`, it is a new one, and idle ones with these options are closed.
        """
        seconds = self._timeouts.connect if timeout is None else timeout
        return self._shells.borrow(options, timeout=seconds, unused=unused)

    def sweep_shells(self) -> None:
        """Close the web shells that have not been used for a while."""
        self._shells.sweep()

    def close(self) -> None:
        """Close the connection. Jobs continue on the NAS."""
        if self._process != os.getpid():
            return
        self._closed = True
        self._shells.close()
        connection = self._connection
        if connection is not None:
            connection.close()

    def _open_shell(self, options: t.Mapping[str, t.Any], timeout: float) -> WebShell:
        from ansible_collections.pixels.truenas.plugins.module_utils._api.webshell import WebShell

        # A read: if the reply is lost, another token can be generated.
        token = self.read("auth.generate_token", *TOKEN)
        if not isinstance(token, str):
            raise UnexpectedReply.about("the result is not a string", method="auth.generate_token", nas=self.nas)
        self._redactor.add(token, generated=True)
        return WebShell(self._endpoint, token, options, timeout=timeout, redact=self._redactor)

    def _with_connection(self, action: t.Callable[[Connection, float], T], timeout: float, what: str = "a call") -> T:
        """Run an action with a connection, and again with another one if that breaks or its login has expired.

        After a message that is not JSON-RPC there is one retry only. `timeout` bounds the time of calls and pauses;
        connecting and logging in have their own timeouts.
        """
        left, pause, may_log_in_again, was_garbled = timeout, FIRST_PAUSE_S, True, False
        while True:
            connection = self._connected(max(left, self._timeouts.connect))
            logins, begun = connection.logins, time.monotonic()
            try:
                return action(connection, left)
            except ConnectionLost as lost:
                failure = lost
            except LoginRefused as expired:
                if expired.response_type != NOT_AUTHENTICATED or not may_log_in_again:
                    raise
                # The NAS rejected the call before it ran, so any call can be repeated.
                may_log_in_again = False
                self._log_in_again(connection, logins)
                continue
            if failure.ending == GARBLED and was_garbled:
                raise UnexpectedReply.about(NO_MESSAGE, method=what, nas=self.nas)
            was_garbled = was_garbled or failure.ending == GARBLED
            left -= time.monotonic() - begun + pause
            if left <= 0:
                raise failure
            time.sleep(pause)
            pause = min(pause * 2, MAX_PAUSE_S)

    def _connected(self, timeout: float) -> Connection:
        """Return a connection. A NAS that was connected before may take `timeout` seconds to return."""
        self._check_usable()
        # Includes the wait for other threads that try to connect.
        deadline = time.monotonic() + (timeout if self._was_open else self._timeouts.connect)
        with self._opening:
            if self._connection is not None and self._connection.is_alive:
                return self._connection
            pause = FIRST_PAUSE_S
            while True:
                self._check_usable()
                try:
                    self._connection = self._open()
                except ConnectionFailed as error:
                    if isinstance(error, ConnectionLost) and error.ending == GARBLED:
                        raise UnexpectedReply.about(NO_MESSAGE, method="the login", nas=self.nas) from None
                    if time.monotonic() + pause > deadline or not (error.passing or self._was_open):
                        raise
                    cause = str(error)
                else:
                    self._was_open = True
                    return self._connection
                if pause == FIRST_PAUSE_S:
                    self._notice(f"waiting up to {deadline - time.monotonic():.0f} s for {self.nas}: {cause}")
                time.sleep(pause)
                pause = min(pause * 2, MAX_PAUSE_S)

    def _open(self) -> Connection:
        refuse_unsafe(self._endpoint, self._credential)
        transport = WebSocketTransport(self._endpoint, timeout=self._timeouts.connect)
        connection = Connection(transport, self.nas, redact=self._redactor.everywhere)
        with ExitStack() as undo:
            undo.callback(connection.close)
            self._log_in(connection)
            undo.pop_all()
        return connection

    def _log_in(self, connection: Connection) -> None:
        def ask(method: str, *params: t.Any) -> t.Any:
            self._admit(method, params)
            for secret in one_time_secrets(params):
                self._redactor.add(secret, generated=True)
            return connection.call(method, params, timeout=self._timeouts.call)

        log_in(
            ask,
            self._credential,
            nas=self.nas,
            login_wait=self._timeouts.login_wait,
            notice=self._notice,
            redact=self._redactor,
            unverified=not (self._endpoint.validate_certs or self._endpoint.plain or self._endpoint.is_loopback),
        )
        connection.logins += 1

    def _log_in_again(self, connection: Connection, logins: int) -> None:
        with self._opening:
            if connection.logins == logins:
                self._log_in(connection)

    def _check_usable(self) -> None:
        if self._process != os.getpid():
            raise ConnectionFailed(
                f"the session with {self.nas} belongs to process {self._process} and cannot be used after a fork. "
                "Open another one in this process"
            )
        if self._closed:
            raise ConnectionFailed(f"the session with {self.nas} is closed")
