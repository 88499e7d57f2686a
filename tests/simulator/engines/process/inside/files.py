# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine may ask about a guest's files. Paths mean what they mean to the guest's root, symlinks included."""

from __future__ import annotations

import errno
import os
import pathlib
import stat
import typing as t


def find_user(name: str) -> dict[str, t.Any] | None:
    """As the guest's own /etc/passwd and /etc/group have it; the C library would want the guest's libraries as well."""
    for fields in _entries("/etc/passwd", 7):
        if fields[0] == name:
            groups = [int(entry[2]) for entry in _entries("/etc/group", 4) if name in entry[3].split(",")]
            return {
                "name": name,
                "uid": int(fields[2]),
                "gid": int(fields[3]),
                "groups": groups,
                "home": fields[5] or "/",
                "shell": fields[6] or "/bin/sh",
            }
    return None


def _entries(path: str, size: int) -> list[list[str]]:
    try:
        lines = pathlib.Path(path).read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [fields for fields in (line.split(":") for line in lines) if len(fields) == size and fields[2].isdigit()]


def describe(path: str) -> dict[str, t.Any] | None:
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return {
        "mode": found.st_mode,
        "size": found.st_size,
        "uid": found.st_uid,
        "gid": found.st_gid,
        "mtime": found.st_mtime,
        "target": os.readlink(path) if stat.S_ISLNK(found.st_mode) else None,
    }


def open_to_read(path: str) -> int:
    """Never waits: a pipe without a writer is refused as any other odd file is."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    kind = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(kind):
        os.close(descriptor)
        number = errno.EISDIR if stat.S_ISDIR(kind) else errno.EINVAL
        raise OSError(number, os.strerror(number))
    return descriptor


def open_to_write(path: str, *, append: bool, mode: int | None, uid: int, gid: int) -> int:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | (os.O_APPEND if append else os.O_TRUNC)
    descriptor = os.open(path, flags, 0o644)
    try:
        if (uid, gid) != (-1, -1):
            os.fchown(descriptor, uid, gid)
        if mode is not None:
            os.fchmod(descriptor, mode)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def link(path: str, target: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    os.symlink(target, path)


def remove(path: str) -> bool:
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
