# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One web shell: a terminal that the NAS offers beside its API, until the program in it ends."""

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
    PING_INTERVAL_S,
    PONG_TIMEOUT_S,
    Heartbeat,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import QUOTE_LIMIT, safe_text
from ansible_collections.pixels.truenas.plugins.module_utils._api.transport import WebSocketTransport

PATH = "/websocket/shell"
CHUNK_BYTES = 64 * 1024
"""Sent at a time: small, so that receiving does not have to wait for long."""

Options = t.Mapping[str, t.Any]


class WebShell:
    """A web shell (middleware apps/webshell_app.py). One thread receives, and another may send.

    Raises `NotPermitted` for an account without web shell access, `ConnectionLost` if the NAS closes the connection.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        token: str,
        options: Options,
        *,
        timeout: float,
        redact: t.Callable[[str], str] = lambda text: text,
    ) -> None:
        """`token` comes from `auth.generate_token`; `options` determine the program. `timeout` is in seconds.

        `redact` masks secrets in error messages of the NAS.
        """
        self._redact = redact
        self._nas = endpoint.nas
        self.id = ""
        """Its ID in the API."""
        self._transport = WebSocketTransport(endpoint, timeout=timeout, path=PATH)
        self._heartbeat = Heartbeat(time.monotonic(), every=PING_INTERVAL_S, within=PONG_TIMEOUT_S)
        try:
            # The only text message: the NAS would close the connection after another one.
            self._transport.send(json.dumps({"token": token, "options": options}))
            self._wait_for_welcome(time.monotonic() + timeout, timeout)
        except BaseException:
            self.close()
            raise

    def send(self, data: bytes) -> None:
        """Send input. Raises `ConnectionLost`."""
        for start in range(0, len(data), CHUNK_BYTES):
            self._transport.send_bytes(data[start : start + CHUNK_BYTES])

    def receive(self, timeout: float) -> bytes | None:
        """Return the next output, or None if none arrives in about `timeout` seconds.

        Raises `ConnectionLost`, also if the NAS stopped responding.
        """
        now = time.monotonic()
        if self._heartbeat.is_dead(now, self._transport.last_received):
            raise ConnectionLost(
                f"lost the connection to {self._nas}: it stopped responding (no reply to a ping)", ending="silent"
            )
        if self._heartbeat.is_ping_due(now):
            self._transport.ping()
        message = self._transport.receive_message(min(timeout, self._heartbeat.until_next(now)))
        return message if isinstance(message, bytes) and message else None

    def interrupt(self) -> None:
        """Make the current or the next call of `receive` return None immediately."""
        self._transport.interrupt()

    @property
    def is_quiet(self) -> bool:
        """Whether the shell is connected and has no output. Reading this discards output."""
        try:
            return self._transport.receive_arrived() is None
        except ConnectionLost:
            return False

    def close(self) -> None:
        """Close the shell. A command that it started may continue (Incus 6.0 kills the shell only)."""
        self._transport.hang_up(politely=True)
        self._transport.release()

    def _wait_for_welcome(self, deadline: float, timeout: float) -> None:
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self._transport.receive_message(left)
            except ConnectionLost as lost:
                problem, ending = str(lost), lost.ending
            else:
                if isinstance(message, str) and self._is_welcome(message):
                    return
                continue
            raise ConnectionLost(f"{problem} before it opened a shell", passing=False, ending=ending)
        raise TimedOut(f"{self._nas} did not open a shell within {timeout:g} s")

    def _is_welcome(self, text: str) -> bool:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            return False
        match message:
            case {"msg": "connected"}:
                self.id = str(message.get("id", ""))
                return True
            case {"msg": "failed", "error": {"error": int() as number, "reason": str() as reason}}:
                raise self._refusal(number, safe_text(self._redact(reason), limit=QUOTE_LIMIT))
        return False

    def _refusal(self, number: int, reason: str) -> PixelsError:
        if number == errno.EACCES or reason == "Invalid token":
            # 25.x reports "Invalid token" for an account without web shell access: the token itself is new.
            return NotPermitted(
                f"the account may not open a web shell on {self._nas} ({reason}): give it a privilege with web shell "
                "access and a role that may change containers, or enter the pixel over SSH",
                method="web_shell",
            )
        return Refused(f"{self._nas} did not open a shell: {reason}", errno=number)
