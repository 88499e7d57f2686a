# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runtime directory, in which session daemons have their sockets. No other user can list or enter it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import stat
import struct
import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api import atomic_file

MAX_PATH_BYTES = 103
"""Of a socket: `sun_path` has 108 bytes on Linux and 104 on BSD, with the final zero."""
SOCKET_NAME_BYTES = len("/0123456789abcdef.sock")
SALT_BYTES = 32
LOCK_TIMEOUT_S = 10.0
RETRY_INTERVAL_S = 0.01
SUFFIX = ".sock"


class NoRuntimeDir(Exception):
    """No runtime directory is available; the text is the reason."""


class RuntimeDir:
    """The runtime directory of this user. Methods raise `OSError` when a file operation fails."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def path(self, name: str) -> str:
        """Return the path of a file in the directory."""
        return os.path.join(self.directory, name)

    def socket_path(self, name: str) -> str:
        """Return the path of a socket, given its name without the suffix."""
        return self.path(f"{name}{SUFFIX}")

    def inode(self, name: str) -> int | None:
        """Return the inode of a socket, which distinguishes it from a later one; None if the socket does not exist."""
        try:
            return os.lstat(self.socket_path(name)).st_ino
        except FileNotFoundError:
            return None

    def set_aside(self, name: str) -> None:
        """Rename a socket, so that its daemon gets no new clients but can still be found and stopped."""
        os.rename(self.socket_path(name), self.socket_path(os.urandom(8).hex()))

    def sockets(self) -> list[str]:
        """Return the paths of all sockets, those of daemons that crashed included."""
        return sorted(self.path(name) for name in os.listdir(self.directory) if name.endswith(SUFFIX))

    @contextlib.contextmanager
    def locked(self, name: str = "lock", *, timeout: float = LOCK_TIMEOUT_S) -> t.Iterator[int]:
        """Hold the lock on a file, whose descriptor the block gets. Raises `NoRuntimeDir` after `timeout` seconds."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        file = os.open(self.path(name), flags, 0o600)
        try:
            self._wait_for_lock(file, name, time.monotonic() + timeout)
            try:
                yield file
            finally:
                # Closing the file is not enough: a process forked meanwhile has it open as well.
                fcntl.flock(file, fcntl.LOCK_UN)
        finally:
            os.close(file)

    def is_locked(self) -> bool:
        """Return whether another process holds the lock."""
        try:
            with self.locked(timeout=0):
                return False
        except NoRuntimeDir:
            return True

    def salt(self) -> bytes:
        """Return random bytes that keep socket names from revealing the secrets they are derived from."""
        salt = self._read_salt()
        if salt is not None:
            return salt
        with self.locked():
            salt = self._read_salt()
            if salt is None:
                salt = os.urandom(SALT_BYTES)
                atomic_file.write(self.path("salt"), salt)
        return salt

    def _read_salt(self) -> bytes | None:
        try:
            with open(self.path("salt"), "rb") as file:
                salt = file.read()
        except FileNotFoundError:
            return None
        return salt if len(salt) == SALT_BYTES else None

    def _wait_for_lock(self, file: int, name: str, deadline: float) -> None:
        while True:
            try:
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                is_late = time.monotonic() > deadline
            if is_late:
                raise NoRuntimeDir(f"{self.path(name)} is locked by another process")
            time.sleep(RETRY_INTERVAL_S)


def find(environ: t.Mapping[str, str] | None = None) -> RuntimeDir:
    """Return the runtime directory of this user, which is created if it does not exist. Raises `NoRuntimeDir`.

    It is `$XDG_RUNTIME_DIR/pixels` or else `pixels-UID` in the directory for temporary files. The user needs neither a
    home directory nor an entry in passwd: in execution environments there may be neither.
    """
    xdg = (os.environ if environ is None else environ).get("XDG_RUNTIME_DIR")
    reasons = []
    for create in (_create_in_xdg, _create_in_temporary):
        try:
            return RuntimeDir(create(xdg))
        except NoRuntimeDir as reason:
            reasons.append(str(reason))
        except OSError as error:
            reasons.append(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))
    raise NoRuntimeDir("; ".join(reasons))


def _create_in_xdg(xdg: str | None) -> str:
    if not xdg:
        raise NoRuntimeDir("XDG_RUNTIME_DIR is not set")
    return _create(xdg, "pixels")


def _create_in_temporary(_xdg: str | None) -> str:
    # Imported here: it takes longer to load than all of this module, and is seldom needed.
    import tempfile

    return _create(tempfile.gettempdir(), f"pixels-{os.geteuid()}")


def _create(parent: str, name: str) -> str:
    """Return the directory `name` in `parent`, which no other user can list, enter, replace or redirect."""
    _check_parent(parent)
    directory = os.path.join(parent, name)
    if len(os.fsencode(directory)) + SOCKET_NAME_BYTES > MAX_PATH_BYTES:
        raise NoRuntimeDir(f"{directory}: the path is too long for a socket in it")
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory, 0o700)
    status = os.lstat(directory)
    if not stat.S_ISDIR(status.st_mode):
        raise NoRuntimeDir(f"{directory} is not a directory")
    if status.st_uid != os.geteuid():
        raise NoRuntimeDir(f"{directory} belongs to the user with the ID {status.st_uid}")
    if status.st_mode & 0o077:
        raise NoRuntimeDir(f"{directory} is accessible to other users: change its mode to 0700")
    return directory


def _check_parent(parent: str) -> None:
    """Reject a parent in which another user could replace the directory."""
    if not os.path.isabs(parent):
        raise NoRuntimeDir(f"{parent} is not an absolute path")
    status = os.stat(parent)
    if status.st_uid not in (0, os.geteuid()):
        raise NoRuntimeDir(f"{parent} belongs to the user with the ID {status.st_uid}")
    if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
        raise NoRuntimeDir(f"{parent} is writable by other users and has no sticky bit")


def connect(path: str, *, timeout: float) -> socket.socket | None:
    """Return a connection to the process of this user that listens at `path`; None if no process does.

    Raises `TimeoutError` if the queue of the listener stays full for `timeout` seconds, and `OSError` for any other
    failure.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        _connect_when_accepted(connection, path, time.monotonic() + timeout)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError:
        connection.close()
        raise
    if peer_uid(connection) != os.geteuid():
        connection.close()
        raise PermissionError(errno.EPERM, "a process of another user listens there", path)
    return connection


def _connect_when_accepted(connection: socket.socket, path: str, deadline: float) -> None:
    while True:
        try:
            return connection.connect(path)
        except BlockingIOError:
            # On a socket with a timeout, Linux fails instead of waiting while the queue is full (net/unix/af_unix.c).
            if time.monotonic() > deadline:
                raise TimeoutError(
                    errno.ETIMEDOUT, "the queue of the process that listens there is full", path
                ) from None
        time.sleep(RETRY_INTERVAL_S)


def peer_uid(connection: socket.socket) -> int:
    """Return the user of the process at the other end. Without `SO_PEERCRED` rely on the mode of the directory."""
    credentials = _peer(connection)
    return os.geteuid() if credentials is None else credentials[1]


def peer_pid(connection: socket.socket) -> int | None:
    """Return the ID of the process that listened when the connection was made; None without `SO_PEERCRED`."""
    credentials = _peer(connection)
    return None if credentials is None else credentials[0]


def _peer(connection: socket.socket) -> tuple[int, int] | None:
    """Return the process ID and the user ID of the other end."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    form = "3i"
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(form))
    pid, uid, _gid = struct.unpack(form, credentials)
    return int(pid), int(uid)
