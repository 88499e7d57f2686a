# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds one terminal that a NAS offers beside its API: bytes go in, bytes come out, until the program in it ends."""

from __future__ import annotations

import errno
import json
import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Endpoint
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionLost,
    NotPermitted,
    PixelsError,
    Refused,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.heartbeat import (
    PING_EVERY,
    PONG_WITHIN,
    Heartbeat,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.transport import WebSocketTransport

PATH = "/websocket/shell"
# Small enough for what comes the other way not to wait for long.
PIECE = 64 * 1024

Options = t.Mapping[str, t.Any]


class WebShell:
    """A terminal at the NAS (middleware apps/webshell_app.py); one thread receives, and another may send.

    Raises C(NotPermitted) for an account without the right, C(ConnectionLost) when the NAS hangs up.
    """

    def __init__(self, endpoint: Endpoint, token: str, options: Options, *, timeout: float) -> None:
        """C(token) is one of C(auth.generate_token); C(options) says what runs in it. C(timeout) is in seconds."""
        self._nas = endpoint.nas
        self.id = ""
        """What the API calls it by."""
        self._transport = WebSocketTransport(endpoint, timeout=timeout, path=PATH)
        self._heartbeat = Heartbeat(time.monotonic(), every=PING_EVERY, within=PONG_WITHIN)
        try:
            # The one text there is: a later one would end the conversation.
            self._transport.send(json.dumps({"token": token, "options": options}))
            self._wait_for_welcome(time.monotonic() + timeout, timeout)
        except BaseException:
            self.close()
            raise

    def send(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            self._transport.send_bytes(data[start : start + PIECE])

    def receive(self, timeout: float) -> bytes | None:
        """What comes next, or None when nothing came within about C(timeout) seconds.

        Raises C(ConnectionLost), as well for a NAS that gives no sign of life any more.
        """
        now = time.monotonic()
        if self._heartbeat.is_dead(now, self._transport.last_heard):
            raise ConnectionLost(
                f"lost the connection to {self._nas}: it no longer gives a sign of life", ending="silent"
            )
        if self._heartbeat.is_ping_due(now):
            self._transport.ping()
        message = self._transport.receive_message(min(timeout, self._heartbeat.until_next(now)))
        return message if isinstance(message, bytes) and message else None

    def interrupt(self) -> None:
        """Have whoever waits in C(receive) come back with nothing."""
        self._transport.interrupt()

    @property
    def is_quiet(self) -> bool:
        """Whether it is still there and says nothing; anything it said since is lost by asking."""
        try:
            return self._transport.receive_message(0) is None
        except ConnectionLost:
            return False

    def close(self) -> None:
        """Hang up, which ends the programs in it."""
        self._transport.hang_up(politely=True)
        self._transport.release()

    def _wait_for_welcome(self, until: float, timeout: float) -> None:
        while (left := until - time.monotonic()) > 0:
            try:
                message = self._transport.receive_message(left)
            except ConnectionLost as lost:
                told, ending = str(lost), lost.ending
            else:
                if isinstance(message, str) and self._is_welcome(message):
                    return
                continue
            raise ConnectionLost(f"{told} before it opened a shell", passing=False, ending=ending)
        raise TimedOut(f"{self._nas} opened no shell within {timeout:g} s")

    def _is_welcome(self, text: str) -> bool:
        try:
            message = json.loads(text)
        except ValueError:
            return False
        match message:
            case {"msg": "connected"}:
                self.id = str(message.get("id", ""))
                return True
            case {"msg": "failed", "error": {"error": int(number), "reason": str(reason)}}:
                raise self._refusal(number, reason)
        return False

    def _refusal(self, number: int, reason: str) -> PixelsError:
        if number == errno.EACCES or reason == "Invalid token":
            # 25.x has no other word for an account without the privilege: the token itself was made a moment ago.
            return NotPermitted(
                f"the account may not open a shell on {self._nas} ({reason}): give it a privilege with web shell "
                "access and the right to change containers, or enter the pixel over SSH",
                method="web_shell",
            )
        return Refused(f"{self._nas} opened no shell: {reason}", errno=number)
