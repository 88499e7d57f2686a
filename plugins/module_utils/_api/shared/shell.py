# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shell that the holder of a session has open, as the caller sees it who has it for now."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared import protocol
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.link import Link, LinkLost

PIECE = 64 * 1024


class SharedShell:
    """Bytes in and out over the caller's connection to the holder; one thread receives, and another may send."""

    def __init__(self, link: Link, note: str, *, id: str, nas: str, put_back: t.Callable[[Link], None]) -> None:
        self.note = note
        self.id = id
        self._link = link
        self._link.is_idle = False
        self._nas = nas
        self._put_back = put_back
        self._last_heard = time.monotonic()

    def send(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            self._say({"input": data[start : start + PIECE]})

    def receive(self, timeout: float) -> bytes | None:
        match self._hear(timeout):
            case {"output": bytes(data)}:
                return data
            case {"over": error}:
                self._link.close()
                raise protocol.unpacked(error)
        return None

    def give_back(self, note: str) -> None:
        self._say({"give_back": note})
        while True:
            match self._hear(protocol.SILENCE):
                case {"result": _}:
                    self._link.is_idle = True
                    return self._put_back(self._link)
                case {"over": _}:
                    return self._link.close()

    def discard(self) -> None:
        self._link.close()

    def _say(self, frame: protocol.Frame) -> None:
        try:
            self._link.say(frame)
        except LinkLost:
            lost = self._lost()
        else:
            return
        raise lost

    def _hear(self, timeout: float) -> protocol.Frame | None:
        try:
            heard = self._link.hear_within(timeout)
        except LinkLost:
            heard = None
        else:
            if heard is not None:
                self._last_heard = time.monotonic()
                return heard
            if time.monotonic() - self._last_heard < protocol.SILENCE:
                return None
        self._link.close()
        raise self._lost()

    def _lost(self) -> ConnectionLost:
        return ConnectionLost(f"the process that holds the session with {self._nas} ended, and with it the shell")
