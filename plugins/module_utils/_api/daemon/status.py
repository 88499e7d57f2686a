# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List and stop the session daemons of this user."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client_connection import (
    DaemonConnection,
    DaemonGone,
    WrongDaemon,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.identity import VERSION
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.launcher import PROGRAM, connect_and_greet
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import (
    NoRuntimeDir,
    connect,
    find,
    peer_pid,
)

PROGRAM_SUFFIX = os.sep.join(PROGRAM.split(os.sep)[-3:]).encode()
"""The part of the daemon's path that all versions of this collection share."""

STOP_TIMEOUT_S = 10.0
THREADS_LIMIT = 32

Reply = t.TypeVar("Reply")


@dataclass(frozen=True)
class DaemonStatus:
    """One running daemon; times are in seconds. For a daemon that does not respond, most fields are None."""

    pid: int | None
    nas: str | None
    username: str | None
    age: float
    idle: float | None
    """From the last call to its end."""
    clients: int | None
    """Clients that are connected now."""
    calls: int | None
    """Calls since it started."""
    calls_under_way: int | None
    is_current: bool | None
    """Whether it runs the code of this process. A daemon with other code gets no new clients from it."""
    responding: bool = True


def status() -> list[DaemonStatus]:
    """Return all running daemons of this user. Raises `NoRuntimeDir` with the reason why there can be none."""
    return _for_each_socket(_status_at)


def stop(pids: t.Container[int] | None = None) -> list[int]:
    """Stop all daemons, or those with the given process IDs. Return the IDs of those that ended.

    A daemon that does not respond or does not stop is killed. Calls in flight are cut off: clients repeat their reads,
    and cannot know the outcome of their changes. Jobs continue on the NAS. Raises `NoRuntimeDir`.
    """
    return _for_each_socket(lambda path: _stop_at(path, pids))


def _for_each_socket(function: t.Callable[[str], Reply | None]) -> list[Reply]:
    """Call a function for each socket, all at the same time: daemons that do not respond are waited for once."""
    paths = _sockets()
    if len(paths) < 2:
        replies = list(map(function, paths))
    else:
        # Imported here: seldom are there several daemons.
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(len(paths), THREADS_LIMIT)) as pool:
            replies = list(pool.map(function, paths))
    return [reply for reply in replies if reply is not None]


def _sockets() -> list[str]:
    try:
        return find().sockets()
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
    raise NoRuntimeDir(reason)


@contextlib.contextmanager
def _connected(path: str) -> t.Iterator[DaemonConnection | None]:
    """Connect to the daemon at `path`; None if none listens there. Raises the errors of `connect_and_greet`."""
    connection = connect_and_greet(path)
    try:
        yield connection
    finally:
        if connection is not None:
            connection.close()


def _status_at(path: str) -> DaemonStatus | None:
    try:
        with _connected(path) as connection:
            reply = connection.exchange({"ask": "status"}).get("status") if connection else None
            if isinstance(reply, dict):
                version = reply.pop("version", "")
                return DaemonStatus(**reply, is_current=version == VERSION)
    except DaemonGone as lost:
        return _status_of_silent(path) if lost.silent else None
    except (OSError, WrongDaemon):
        pass
    return None


def _status_of_silent(path: str) -> DaemonStatus | None:
    """Return what the operating system knows of a daemon that does not respond; None if it has ended meanwhile."""
    try:
        age = time.time() - os.lstat(path).st_mtime
    except FileNotFoundError:
        return None
    pid, nas = _process_at(path) or (None, None)
    return DaemonStatus(pid, nas, None, age, None, None, None, None, None, responding=False)


def _stop_at(path: str, pids: t.Container[int] | None) -> int | None:
    try:
        with _connected(path) as connection:
            if connection is None or (pids is not None and connection.pid not in pids):
                return None
            reply = connection.exchange({"ask": "stop"})
            if "stopping" in reply and connection.wait_for_close(STOP_TIMEOUT_S):
                return connection.pid
    except DaemonGone as lost:
        if not lost.silent:
            return None
    except (OSError, WrongDaemon):
        return None
    return _kill_at(path, pids)


def _kill_at(path: str, pids: t.Container[int] | None) -> int | None:
    """Kill the daemon that listens at `path`. Return its process ID, or None if that is unknown."""
    process = _process_at(path)
    if process is None or (pids is not None and process[0] not in pids):
        return None
    pid = process[0]
    with contextlib.suppress(ProcessLookupError), contextlib.closing(_ProcessHandle(pid)) as handle:
        # Looked up again, now that no other process can get the ID.
        if _process_at(path) != process or not handle.kill(STOP_TIMEOUT_S):
            return None
    return pid


def _process_at(path: str) -> tuple[int, str] | None:
    """Return the process ID of the session daemon that listens at `path`, and its NAS; None if they are unknown.

    While a daemon starts, the operating system still names its starter, which is no daemon.
    """
    with contextlib.suppress(OSError):
        connection = connect(path, timeout=0)
        if connection is not None:
            with connection:
                pid = peer_pid(connection)
            if pid is not None:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    # Each argument ends in a NUL, so that the last field is empty.
                    fields = [b"", b"", *file.read().split(b"\0")]
                if any(argument.endswith(PROGRAM_SUFFIX) for argument in fields[:-2]):
                    return pid, fields[-2].decode(errors="replace")
    return None


class _ProcessHandle:
    """A process that cannot be mistaken for a later one with the same ID. Raises `ProcessLookupError`."""

    def __init__(self, pid: int) -> None:
        self._file = os.pidfd_open(pid)

    def kill(self, timeout: float) -> bool:
        """Kill the process. Return whether it ended within `timeout` seconds."""
        signal.pidfd_send_signal(self._file, signal.SIGKILL)
        poll = select.poll()
        poll.register(self._file, select.POLLIN)
        return bool(poll.poll(timeout * 1000))

    def close(self) -> None:
        """Close the file descriptor that identifies the process."""
        os.close(self._file)
