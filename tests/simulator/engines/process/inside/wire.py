# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line between the engine and a guest's pid 1: messages of any size, with open files on them."""

from __future__ import annotations

import array
import json
import os
import socket
import typing as t

MOST_DESCRIPTORS = 16


class Layout(t.NamedTuple):
    """The first message: the description of the guest. Directories are absolute paths of the machine."""

    hostname: str
    image: str
    """The image's own files: `root` and one directory for each overlay."""
    guest: str
    """The guest's `files` with one directory for each overlay, and the overlays' `work`."""
    overlays: dict[str, str]
    """Path in the guest -> directory of the machine that is visible there."""
    shared: dict[str, str]
    """Path in the guest, without the first slash -> directory of the machine that is the same there."""
    first_id: int
    """The machine's user and group id that is 0 in the guest."""
    ids: int
    """How many ids the guest has."""


class Message(t.NamedTuple):
    body: dict[str, t.Any]
    descriptors: list[int]


def send(control: socket.socket, body: dict[str, t.Any], descriptors: t.Sequence[int] = ()) -> None:
    """The message travels in a memory file: a packet of its size could be refused."""
    memory = os.memfd_create("message")
    try:
        with os.fdopen(os.dup(memory), "wb") as file:
            # Not dump, which goes through the body in Python.
            file.write(json.dumps(body).encode("utf-8", "surrogateescape"))
        socket.send_fds(control, [b"m"], [memory, *descriptors])
    finally:
        os.close(memory)


def receive(control: socket.socket) -> Message | None:
    """The next message; None when the other side has gone."""
    descriptors = array.array("i")
    room = socket.CMSG_SPACE(MOST_DESCRIPTORS * descriptors.itemsize)
    packet, ancillary, _flags, _address = control.recvmsg(1, room, socket.MSG_CMSG_CLOEXEC)
    if not packet:
        return None
    for _level, _kind, content in ancillary:
        descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    memory, *others = descriptors
    os.lseek(memory, 0, os.SEEK_SET)
    with os.fdopen(memory, "rb") as file:
        return Message(json.loads(file.read().decode("utf-8", "surrogateescape")), others)
