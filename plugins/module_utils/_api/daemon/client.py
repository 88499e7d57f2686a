# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session of a client of the daemon: it starts a daemon if needed, and works without one if it has to."""

from __future__ import annotations

import os
import threading
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client_connection import (
    DaemonConnection,
    DaemonGone,
    WrongDaemon,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.launcher import (
    CannotStartDaemon,
    connect_or_start,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.remote_shell import RemoteShell
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import NoRuntimeDir, RuntimeDir
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.startup_config import DaemonConfig
from ansible_collections.pixels.truenas.plugins.module_utils._api.ejson import NotSendable
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, OutcomeUnknown, PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._api.jobs import Progress

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shell_pool import ShellLike

ATTEMPTS = 3
"""A daemon can end just as a request arrives, and so can the next one. More than that is no coincidence."""

ProgressCallback = t.Optional[t.Callable[[Progress], None]]


class SharedSession:
    """The session with a NAS that all processes of this user share. Any number of threads may call.

    It has the methods of `Session` and raises the same errors. Unlike `Session`, it continues to work after a fork:
    the child process gets connections of its own.
    """

    def __init__(
        self, config: DaemonConfig, *, notice: t.Callable[[str], None], open_direct: t.Callable[[], Session]
    ) -> None:
        """`open_direct` opens the session that is used where no daemon is available."""
        self.nas = config.endpoint.nas
        self._config = config
        self._notice = notice
        self._open_direct = open_direct
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._idle_connections: list[DaemonConnection] = []
        self._direct: Session | None = None
        self._silent: int | None = None

    def __enter__(self) -> SharedSession:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def socket_path(self) -> str:
        """The socket on which its daemon listens."""
        return RuntimeDir(self._config.directory).socket_path(self._config.socket_name)

    @property
    def timeouts(self) -> Timeouts:
        """The timeouts of this client, in seconds; other clients of the daemon have their own."""
        return self._config.timeouts

    def read(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """Call a method that changes nothing. It is called again if the daemon or its connection is lost."""
        return self._run("read", method, params, self.timeouts.call if timeout is None else timeout)

    def call(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        """Call a method that changes something, at most once. Raises `OutcomeUnknown` if its reply is lost."""
        return self._run("call", method, params, self.timeouts.call if timeout is None else timeout)

    def run_job(
        self,
        method: str,
        *params: t.Any,
        timeout: float | None = None,
        progress: t.Callable[[Progress], None] | None = None,
    ) -> t.Any:
        """Start a job and wait for its result. `progress` is called in this thread."""
        return self._run("run_job", method, params, self.timeouts.job if timeout is None else timeout, progress)

    def download(self, method: str, *params: t.Any, timeout: float | None = None) -> bytes:
        """Return what a download method sends, such as the content of a file."""
        return bytes(self._run("download", method, params, self.timeouts.call if timeout is None else timeout))

    def borrow_shell(
        self, options: t.Mapping[str, t.Any], *, timeout: float | None = None, unused: bool = False
    ) -> ShellLike:
        """Return a web shell. Given back, it stays open in the daemon for the next request with the same options.

        With `unused`, it is a new one, and idle ones with these options are closed.
        """
        self._check_fork()
        seconds = self.timeouts.connect if timeout is None else timeout
        request = self._encode("shell", "a shell", (dict(options), unused), seconds, wants_progress=False)
        for _attempt in range(ATTEMPTS):
            connection = self._connection()
            if connection is None:
                break
            try:
                note, shell_id = connection.request(
                    request, notice=self._notice, progress=None, timeout=self._request_timeout(seconds)
                )
            except DaemonGone as lost:
                # A shell that was opened meanwhile is closed with this connection.
                self._note_silence(connection, lost)
                continue
            except PixelsError:
                self._put_back(connection)
                raise
            return RemoteShell(connection, note, id=shell_id, nas=self.nas, put_back=self._put_back)
        return self._direct_session().borrow_shell(options, timeout=timeout, unused=unused)

    def ensure_daemon(self) -> None:
        """Start the daemon if none is running."""
        connection = self._connection()
        if connection is not None:
            self._put_back(connection)

    def close(self) -> None:
        """Close the connections. The daemon stays for other processes and ends after its idle time."""
        self._check_fork()
        with self._lock:
            connections, self._idle_connections = self._idle_connections, []
            direct, self._direct = self._direct, None
        for connection in connections:
            connection.close()
        if direct is not None:
            direct.close()

    def _run(
        self,
        kind: str,
        method: str,
        params: tuple[t.Any, ...],
        timeout: float,
        progress: ProgressCallback = None,
    ) -> t.Any:
        self._check_fork()
        request = self._encode(kind, method, params, timeout, wants_progress=progress is not None)
        for _attempt in range(ATTEMPTS):
            connection = self._connection()
            if connection is None:
                break
            try:
                return connection.request(
                    request, notice=self._notice, progress=progress, timeout=self._request_timeout(timeout)
                )
            except DaemonGone as lost:
                self._note_silence(connection, lost)
                may_be_done = lost.taken and kind != "read"
                cause = "stopped responding" if lost.silent else "ended"
            finally:
                self._put_back(connection)
            if may_be_done:
                raise OutcomeUnknown(
                    f"the result of {method} on {self.nas} is unknown: the session daemon {cause} during the call, "
                    "which may or may not be done"
                ).with_hints(Hint.run_again())
        return self._run_directly(kind, method, params, timeout, progress)

    def _run_directly(
        self, kind: str, method: str, params: tuple[t.Any, ...], timeout: float, progress: ProgressCallback
    ) -> t.Any:
        session = self._direct_session()
        if kind == "run_job":
            return session.run_job(method, *params, timeout=timeout, progress=progress)
        return {"read": session.read, "call": session.call, "download": session.download}[kind](
            method, *params, timeout=timeout
        )

    def _direct_session(self) -> Session:
        """Return the session that is used where no daemon is available."""
        with self._lock:
            if self._direct is None:
                self._direct = self._open_direct()
            return self._direct

    def _encode(
        self, kind: str, method: str, params: tuple[t.Any, ...], timeout: float, *, wants_progress: bool
    ) -> bytes:
        try:
            request = protocol.encode(
                {
                    "do": kind,
                    "method": method,
                    "params": params,
                    "timeout": timeout,
                    "call_timeout": self.timeouts.call,
                    "progress": wants_progress,
                }
            )
        except NotSendable as error:
            problem = str(error)
        else:
            if len(request) <= protocol.MAX_REQUEST_BYTES:
                return request
            problem = f"the request has {len(request)} characters, which is more than TrueNAS accepts"
        raise Invalid.in_field(None, f"cannot send {method} to {self.nas}", problem)

    def _connection(self) -> DaemonConnection | None:
        """Return an unused connection to the daemon, or None if this session works without one."""
        while True:
            with self._lock:
                if self._direct is not None:
                    return None
                connection = self._idle_connections.pop() if self._idle_connections else None
            if connection is None:
                return self._new_connection()
            if connection.is_usable:
                return connection
            connection.close()

    def _new_connection(self) -> DaemonConnection | None:
        for _attempt in range(ATTEMPTS):
            try:
                connection = connect_or_start(self._config, silent=self._silent)
            except DaemonGone as lost:
                # If it was about to end, the next attempt starts another one.
                if lost.silent:
                    return None
                continue
            except (OSError, NoRuntimeDir, CannotStartDaemon, WrongDaemon):
                return None
            try:
                connection.authenticate(self._config.credential, self.timeouts, self._config.idle)
            except DaemonGone as lost:
                self._note_silence(connection, lost)
            except WrongDaemon:
                return None
            else:
                return connection
        return None

    def _note_silence(self, connection: DaemonConnection, lost: DaemonGone) -> None:
        """Have the daemon replaced if it does not respond."""
        if lost.silent:
            self._silent = connection.inode

    def _request_timeout(self, timeout: float) -> float:
        """Return the most seconds a request may take: the daemon may connect and log in before and after its call."""
        return 3 * (timeout + self.timeouts.connect + self.timeouts.login_wait)

    def _put_back(self, connection: DaemonConnection) -> None:
        """Keep a connection for the next call. One in the middle of a reply cannot be used again."""
        if not connection.is_idle or self._process != os.getpid():
            return connection.close()
        with self._lock:
            self._idle_connections.append(connection)
        return None

    def _check_fork(self) -> None:
        """In a forked process, start over with connections of its own."""
        if self._process == os.getpid():
            return
        connections, self._idle_connections = self._idle_connections, []
        self._process = os.getpid()
        # Another thread of the parent process may have held the lock during the fork.
        self._lock = threading.Lock()
        self._direct = None
        for connection in connections:
            connection.close_inherited()
