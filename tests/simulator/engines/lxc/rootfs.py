# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and change the files of a container from outside.

Every path is walked by the kernel with the rootfs for its root (`openat2`), so that no symlink in a container leads to
a file of this machine. The files belong to shifted ids; this module returns those of the container.
"""

from __future__ import annotations

import ctypes
import os
import posixpath
import stat
import typing as t

from tests.simulator.engines.base import Stat

if t.TYPE_CHECKING:
    from pathlib import Path

OPENAT2, RESOLVE_IN_ROOT = 437, 0x10
TYPES = {stat.S_IFREG: "FILE", stat.S_IFDIR: "DIRECTORY", stat.S_IFLNK: "SYMLINK"}
NOBODY = 65_534
PIECE = 1 << 20


class How(ctypes.Structure):
    """`struct open_how`."""

    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


class Rootfs:
    def __init__(self, folder: Path, *, first_id: int, ids: int) -> None:
        self._folder = folder
        self._first_id = first_id
        self._ids = ids

    def stat(self, path: str) -> Stat | None:
        """lstat; None when there is nothing."""
        try:
            file = self._open(path, os.O_PATH | os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            found = os.fstat(file)
            target = os.readlink("", dir_fd=file) if stat.S_ISLNK(found.st_mode) else None
        finally:
            os.close(file)
        kind = TYPES.get(stat.S_IFMT(found.st_mode), "OTHER")
        owner = self._inside(found.st_uid), self._inside(found.st_gid)
        return Stat(kind, found.st_size, found.st_mode, *owner, found.st_mtime, target)

    def list_directory(self, path: str) -> list[str]:
        file = self._open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return sorted(os.listdir(file))
        finally:
            os.close(file)

    def read(self, path: str) -> bytes:
        with open(self._open(path, os.O_RDONLY), "rb") as file:
            return file.read()

    def write(self, path: str, content: bytes, *, append: bool, mode: int | None, uid: int, gid: int) -> None:
        """Parents are made; what is new is root's. uid and gid -1 leave the owner alone."""
        self._make_parents(posixpath.dirname(posixpath.normpath(path)))
        fresh = self.stat(path) is None
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else os.O_TRUNC)
        with open(self._open(path, flags, 0o644), "wb") as file:
            file.write(content)
            if fresh:
                os.fchown(file.fileno(), self._first_id, self._first_id)
            owner = [each if each == -1 else self._first_id + each for each in (uid, gid)]
            os.fchown(file.fileno(), *owner)
            if mode is not None or fresh:
                os.fchmod(file.fileno(), 0o644 if mode is None else mode)

    def used(self) -> int:
        """Bytes that the dataset refers to."""
        found = os.statvfs(self._folder)
        return (found.f_blocks - found.f_bfree) * found.f_frsize

    def _make_parents(self, folder: str) -> None:
        above, name = posixpath.split(folder)
        if not name or self.stat(folder) is not None:
            return
        self._make_parents(above)
        file = self._open(above, os.O_PATH | os.O_DIRECTORY)
        try:
            os.mkdir(name, 0o755, dir_fd=file)
            os.chown(name, self._first_id, self._first_id, dir_fd=file, follow_symlinks=False)
        finally:
            os.close(file)

    def _inside(self, id: int) -> int:
        """The id that the container sees."""
        return id - self._first_id if 0 <= id - self._first_id < self._ids else NOBODY

    def _open(self, path: str, flags: int, mode: int = 0) -> int:
        root = os.open(self._folder, os.O_PATH | os.O_DIRECTORY)
        try:
            how = How(flags | os.O_CLOEXEC, mode, RESOLVE_IN_ROOT)
            libc = ctypes.CDLL(None, use_errno=True)
            file = libc.syscall(OPENAT2, root, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how))
            if file < 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number), path)
            return t.cast(int, file)
        finally:
            os.close(root)
