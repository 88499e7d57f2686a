# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where callers and holders of sessions meet: a folder that nobody else can look into, or the reason there is none."""

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

# 108 bytes with the final zero on Linux, 104 on BSD.
LONGEST_PATH = 103
NAME_LENGTH = len("/0123456789abcdef.sock")
SALT_LENGTH = 32
LOCK_WAIT = 10.0
LOCK_PAUSE = 0.01
SUFFIX = ".sock"


class NoRendezvous(Exception):
    """There is no place to meet; the text says why, for whoever asks for the status of the holders."""


class Rendezvous:
    """A folder of this user alone. Its methods raise OSError where the file system does not do what it should."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def socket_path(self, name: str) -> str:
        return self.path(f"{name}{SUFFIX}")

    def sockets(self) -> list[str]:
        """The paths of all sockets, of living holders and of those that crashed."""
        return sorted(self.path(name) for name in os.listdir(self.folder) if name.endswith(SUFFIX))

    @contextlib.contextmanager
    def locked(self, name: str = "lock", *, patience: float = LOCK_WAIT) -> t.Iterator[int]:
        """One process at a time, during the block, which gets the open file; NoRendezvous after C(patience) seconds."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        file = os.open(self.path(name), flags, 0o600)
        try:
            self._wait_for_lock(file, name, time.monotonic() + patience)
            try:
                yield file
            finally:
                # Said, and not left to the closing: a process forked meanwhile has the file open, too.
                fcntl.flock(file, fcntl.LOCK_UN)
        finally:
            os.close(file)

    def salt(self) -> bytes:
        """Random bytes that keep names of sockets from telling anything of the secrets they are made from."""
        salt = self._read_salt()
        if salt is not None:
            return salt
        with self.locked():
            salt = self._read_salt()
            if salt is None:
                salt = os.urandom(SALT_LENGTH)
                self._write("salt", salt)
        return salt

    def _read_salt(self) -> bytes | None:
        try:
            with open(self.path("salt"), "rb") as file:
                salt = file.read()
        except FileNotFoundError:
            return None
        return salt if len(salt) == SALT_LENGTH else None

    def _write(self, name: str, content: bytes) -> None:
        """All of it or nothing: a full disk leaves no half a file behind."""
        unfinished = self.path(f"{name}.{os.getpid()}")
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with open(file, "wb") as opened:
                opened.write(content)
            os.replace(unfinished, self.path(name))
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(unfinished)
            raise

    def _wait_for_lock(self, file: int, name: str, until: float) -> None:
        while True:
            try:
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                busy = time.monotonic() > until
            if busy:
                raise NoRendezvous(f"{self.path(name)} is kept locked by another process")
            time.sleep(LOCK_PAUSE)


def find(environ: t.Mapping[str, str] | None = None) -> Rendezvous:
    """The folder of this user, made where it is missing; raises NoRendezvous.

    Neither a home nor an entry in passwd is needed: execution environments have users without them.
    """
    runtime = (os.environ if environ is None else environ).get("XDG_RUNTIME_DIR")
    reasons = []
    for place in (_in_runtime_folder, _in_temporary_folder):
        try:
            return Rendezvous(place(runtime))
        except NoRendezvous as reason:
            reasons.append(str(reason))
        except OSError as error:
            reasons.append(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    raise NoRendezvous("; ".join(reasons))


def _in_runtime_folder(runtime: str | None) -> str:
    if not runtime:
        raise NoRendezvous("XDG_RUNTIME_DIR is not set")
    return _checked(runtime, "pixels")


def _in_temporary_folder(_runtime: str | None) -> str:
    # Only here: it takes longer to load than all of this, and few are without a folder of their own.
    import tempfile

    return _checked(tempfile.gettempdir(), f"pixels-{os.geteuid()}")


def _checked(parent: str, name: str) -> str:
    """The folder C(name) in C(parent), which nobody but this user can list, enter, replace or redirect."""
    _check_parent(parent)
    folder = os.path.join(parent, name)
    if len(os.fsencode(folder)) + NAME_LENGTH > LONGEST_PATH:
        raise NoRendezvous(f"{folder}: the path is too long for a socket in it")
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode):
        raise NoRendezvous(f"{folder} is not a folder")
    if found.st_uid != os.geteuid():
        raise NoRendezvous(f"{folder} belongs to the user with the id {found.st_uid}")
    if found.st_mode & 0o077:
        raise NoRendezvous(f"{folder} is open to other users: its mode is to be 0700")
    return folder


def _check_parent(parent: str) -> None:
    """Who may rename what is in it could put a folder of his own in place of ours."""
    if not os.path.isabs(parent):
        raise NoRendezvous(f"{parent} is not an absolute path")
    found = os.stat(parent)
    if found.st_uid not in (0, os.geteuid()):
        raise NoRendezvous(f"{parent} belongs to the user with the id {found.st_uid}")
    if found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
        raise NoRendezvous(f"{parent} is writable for other users, and not sticky")


def connect(path: str, *, timeout: float) -> socket.socket | None:
    """A connection to whoever listens at C(path); None when nobody does. Raises OSError for other reasons."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError:
        connection.close()
        raise
    if peer_uid(connection) != os.geteuid():
        connection.close()
        raise PermissionError(errno.EPERM, "another user listens there", path)
    return connection


def peer_uid(connection: socket.socket) -> int:
    """Whose process is at the other end; where the system does not tell, the folder's mode has to do."""
    if not hasattr(socket, "SO_PEERCRED"):
        return os.geteuid()
    form = "3i"
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(form))
    _pid, uid, _gid = struct.unpack(form, credentials)
    return int(uid)
