# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read from the NAS on the event loop, without a thread: most requests to the session daemon are such reads.

Waking a thread on the way to the NAS and another on the way back takes longer than the work they do.
"""

from __future__ import annotations

import asyncio
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api import jsonrpc
from ansible_collections.pixels.truenas.plugins.module_utils._api.connection import Connection
from ansible_collections.pixels.truenas.plugins.module_utils._api.error_mapping import NOT_AUTHENTICATED, refusal
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionLost,
    LoginRefused,
    TimedOut,
    UnexpectedReply,
)


class NeedsThread(Exception):
    """The read may succeed in a thread, which can wait, reconnect, or log in again."""


async def read(connection: Connection, nas: str, method: str, params: t.Sequence[t.Any], *, timeout_s: float) -> t.Any:
    """Return the result of a method that changes nothing, within `timeout_s` seconds.

    Raises `NeedsThread`, and otherwise what `Connection.call` raises.
    """
    with connection.start_call(method, params) as pending:
        if pending is None:
            raise NeedsThread
        try:
            async with asyncio.timeout(timeout_s):
                reply = await asyncio.wrap_future(pending)
        except ConnectionLost:
            reply = None
        except TimeoutError:
            raise TimedOut(connection.timeout_message(method, timeout_s)) from None
    if reply is None or (reply.error and reply.error.code == jsonrpc.TOO_MANY_CALLS):
        raise NeedsThread
    if reply.problem:
        raise UnexpectedReply.about(reply.problem, method=method, nas=nas)
    if reply.error is None:
        return connection.result_of(method, reply)
    refused = refusal(reply.error, method=method, nas=nas)
    if isinstance(refused, LoginRefused) and refused.response_type == NOT_AUTHENTICATED:
        raise NeedsThread
    raise refused
