# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and write files on the NAS through its file API."""

from __future__ import annotations

import base64
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire


@dataclass(frozen=True)
class Stat:
    """The result of `filesystem.stat` for a path; a symlink at its end is not followed."""

    type: str
    """`file`, `directory`, `symlink` or `other`."""
    realpath: str
    size: int
    mode: int
    """The permission bits."""
    is_mountpoint: bool
    uid: int = 0


def stat(wire: Wire, path: str) -> Stat | None:
    """Return the status of an absolute path; None if it does not exist."""
    try:
        row = wire.read("filesystem.stat", path)
    except NotFound:
        return None
    return Stat(
        row["type"].lower(),
        row["realpath"],
        row["size"],
        row["mode"] & 0o7777,
        bool(row["is_mountpoint"]),
        row["uid"],
    )


def is_listed(wire: Wire, path: str) -> bool:
    """Return whether the directory of `path`, which must exist, has such an entry. A broken symlink counts.

    `filesystem.stat` does not find a broken symlink, and `filesystem.file_receive` creates its target. With only these
    two fields selected the middleware opens no entry (25.10, utils/filesystem/directory.py).
    """
    directory, _slash, name = path.rpartition("/")
    return bool(wire.read("filesystem.listdir", directory or "/", [["name", "=", name]], {"select": ["name", "type"]}))


def read(wire: Wire, path: str) -> bytes:
    """Return the content of a file. `filesystem.get` requires FULL_ADMIN and follows symlinks."""
    return wire.download("filesystem.get", path)


def write(wire: Wire, path: str, content: bytes, *, mode: int) -> None:
    """Write a file as root of the NAS, and create its parent directories. Symlinks are followed: check the path first.

    The private method `filesystem.file_receive` requires FULL_ADMIN; the content must not be empty or exceed 1.5 MB.
    """
    wire.call(
        "filesystem.file_receive",
        path,
        base64.b64encode(content).decode("ascii"),
        {"mode": mode, "uid": 0, "gid": 0},
    )
