# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the NAS, as its file API shows them."""

from __future__ import annotations

import base64
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire


@dataclass(frozen=True)
class Stat:
    """What C(filesystem.stat) says of a path, without following a symlink at its end."""

    type: str
    """C(file), C(directory), C(symlink) or C(other)."""
    realpath: str
    size: int
    mode: int
    """Permission bits only."""
    is_mountpoint: bool
    uid: int = 0


def stat(wire: Wire, path: str) -> Stat | None:
    """What is at an absolute path; None when nothing is."""
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


def read(wire: Wire, path: str) -> bytes:
    """The content of a file (C(filesystem.get)): FULL_ADMIN only, symlinks followed."""
    return wire.download("filesystem.get", path)


def write(wire: Wire, path: str, content: bytes, *, mode: int) -> None:
    """Write a file as root of the NAS, parents included. Symlinks in the path are followed: check it first.

    At most 1.5 MB and never empty (C(filesystem.file_receive), a private method: FULL_ADMIN only).
    """
    wire.call(
        "filesystem.file_receive",
        path,
        base64.b64encode(content).decode("ascii"),
        {"mode": mode, "uid": 0, "gid": 0},
    )
