# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what the NAS can be asked for at once, without a thread that waits: most of what a holder is asked for.

Each thread on the way from a caller to the NAS and back has to be woken, which takes longer than what it does.
"""

from __future__ import annotations

import asyncio
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api import jsonrpc
from ansible_collections.pixels.truenas.plugins.module_utils._api.connection import Connection
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionLost, LoginRefused, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._api.refusals import NOT_AUTHENTICATED, refusal


class TakesPatience(Exception):
    """It did not work out, and may for somebody who waits, connects again, or logs in again."""


async def read(connection: Connection, nas: str, method: str, params: t.Sequence[t.Any], *, within: float) -> t.Any:
    """The result of a method that changes nothing; C(within) is in seconds.

    Raises TakesPatience, and otherwise what C(Connection.call) raises.
    """
    with connection.asking(method, params) as answer:
        if answer is None:
            raise TakesPatience
        try:
            async with asyncio.timeout(within):
                reply = await asyncio.wrap_future(answer)
        except ConnectionLost:
            reply = None
        except TimeoutError:
            raise TimedOut(connection.too_late(method, within)) from None
    if reply is None or (reply.error and reply.error.code == jsonrpc.TOO_MANY_CALLS):
        raise TakesPatience
    if reply.error is None:
        return reply.result
    refused = refusal(reply.error, method=method, nas=nas)
    if isinstance(refused, LoginRefused) and refused.response_type == NOT_AUTHENTICATED:
        raise TakesPatience
    raise refused
