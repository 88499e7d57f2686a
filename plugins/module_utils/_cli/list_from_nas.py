# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb list without options where no session is open: a short connection to the NAS, with few imports.

The process that lists in this way then starts the session daemon, for which it does not wait. Of several processes at
the same time, one does so; the others wait for the daemon, because the NAS limits logins.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import login_times
from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_table, nas_note
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import summary_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

CONNECT_TIMEOUT_S = 2.0
"""The other routes wait longer, and say what failed."""

LOCK = "listing"
MAX_FILE_NUMBER = 256
"""The files of a caller rarely have higher numbers."""


class NotNow(ValueError):
    """Another process of this user lists the pixels, or the logins are used up."""


def listing(note: nas_note.Note) -> tuple[list[list_table.Row] | None, int | None]:
    """Return the pixels by their full names, and the lock to start the session daemon with.

    The pixels are None if another route has to list them; the lock is None if sessions are not shared. Raises
    `TimedOut`.
    """
    lock = None
    try:
        place = note["nas"]
        if not place or not is_private(place["directory"]):
            return None, None
        lock = lock_file(os.path.join(place["directory"], LOCK)) if note["daemon"] else None
        found = list_table.summarize(query(note, place))
        if found:
            kept, lock = lock, None
            return found, kept
    except nas_note.UNUSABLE:
        return None, None
    finally:
        if lock is not None:
            os.close(lock)
    return None, None


def query(note: nas_note.Note, place: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Connect, log in and return the rows of the NAS."""
    # Imported here: wait_for_start does not need it.
    from ansible_collections.pixels.truenas.plugins.module_utils._api import light_connection

    timeout = note["call_timeout"]
    login = place["login"]
    secret = {login["secret"]: nas_note.secret_of(note)}
    account = {"username": note["username"], "login_options": {"user_info": False}}
    connection = light_connection.LightConnection(place["host"], place["port"], place["ca_path"], CONNECT_TIMEOUT_S)
    method = login_times.LOGIN
    try:
        count_login(place["logins"])
        answer = connection.call(method, [{**account, "mechanism": login["mechanism"], **secret}], timeout)
        if answer["response_type"] != "SUCCESS":
            raise light_connection.UnexpectedData
        method, params = summary_row.query(list_table.PREFIX)
        rows: list[dict[str, t.Any]] = connection.call(method, params, timeout)
        return rows
    except TimeoutError:
        reject_late(place["name"], method, timeout)
    finally:
        connection.close()


def reject_late(nas: str, method: str, timeout: float) -> t.NoReturn:
    """Raise `TimedOut`, since another route would wait as long again."""
    from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import TimedOut, timeout_message

    raise TimedOut(timeout_message(method, nas, timeout)) from None


def is_private(directory: str) -> bool:
    """Return whether no other user can enter or replace files in a directory."""
    found = os.lstat(directory)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def lock_file(path: str) -> int:
    """Return the descriptor of a file that this process has locked until it is closed. Raises `NotNow`."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise NotNow from None
    return file


def count_login(path: str) -> None:
    """Count a login as `LoginRateLimiter` does. Raises `NotNow`."""
    file = lock_file(path)
    try:
        if not login_times.count(file, login_times.LOGIN, now=time.time()):
            raise NotNow
    finally:
        os.close(file)


def start_daemon(lock: int) -> None:
    """Start the session daemon for the next command, in a process for which nothing waits. It keeps the lock."""
    if os.fork():
        return
    # The caller may wait for the end of its pipes.
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    os.closerange(3, lock)
    os.closerange(lock + 1, MAX_FILE_NUMBER)
    try:
        open_session()
    finally:
        os._exit(0)


def open_session() -> None:
    """Connect to the session daemon, which starts it."""
    import types

    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client import SharedSession
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output

    session = CliContext(types.SimpleNamespace(), Output()).session
    if isinstance(session, SharedSession):
        session.ensure_daemon()


def wait_for_start() -> None:
    """Wait while another process starts a session daemon after it listed the pixels."""
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon import runtime_dir

    try:
        with runtime_dir.find().locked(LOCK):
            return
    except (OSError, runtime_dir.NoRuntimeDir):
        return
