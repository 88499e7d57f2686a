# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to text, and text to replies and events: JSON-RPC 2.0 as TrueNAS speaks it; no I/O."""

from __future__ import annotations

import json
import os
import typing as t
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api import ejson

TOO_MANY_CALLS = -32000
CALL_ERROR = -32001
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602

ANONYMOUS_LIMIT = 8_192
LIMIT = 65_536
UPLOAD_LIMIT = 2_097_152
UPLOAD_METHODS = ("filesystem.file_receive",)

Problem = tuple[t.Optional[str], str, t.Optional[int]]


class NotJsonRpc(ValueError):
    """The other side says something that is not JSON-RPC; what it said is not kept."""


def new_id() -> str:
    """For a request: nobody else's. Not of the library for that, which takes longer to load than this whole file."""
    return os.urandom(16).hex()


@dataclass(frozen=True)
class ServerError:
    """Why the NAS did not do it; the server's traceback, which holds its local variables, is left at the door."""

    code: int
    errno: int | None = None
    errname: str = ""
    reason: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Reply:
    """The answer to the request with this id: a result, or an error."""

    id: str
    result: t.Any = field(default=None, repr=False)
    error: ServerError | None = None


@dataclass(frozen=True)
class Event:
    """Something changed in a collection that was subscribed to."""

    collection: str
    fields: dict[str, t.Any] = field(repr=False)


def request(identity: str, method: str, params: t.Sequence[t.Any]) -> str:
    """The text of one call; raises C(ejson.NotSendable)."""
    return ejson.encode({"jsonrpc": "2.0", "id": identity, "method": method, "params": list(params)})


def size_limit(method: str, *, logged_in: bool) -> int:
    """How many characters a request may have before the NAS closes the connection (middleware utils/limits.py)."""
    if not logged_in:
        return ANONYMOUS_LIMIT
    return UPLOAD_LIMIT if method in UPLOAD_METHODS else LIMIT


def parse(text: str) -> Reply | Event | None:
    """What the NAS said; None for what answers nothing of ours, such as errors without an id.

    TrueNAS sends an error with a null id when it could not serialise an event for us; no call failed by that.
    """
    match _decoded(text):
        case {"method": "collection_update", "params": {"collection": str(collection), **rest}}:
            fields = rest.get("fields")
            return Event(collection, fields if isinstance(fields, dict) else {})
        case {"id": str(identity), "error": dict(error)}:
            return Reply(identity, error=server_error(error))
        case {"id": str(identity), "result": result}:
            return Reply(identity, result=result)
        case dict():
            return None
    raise NotJsonRpc


def server_error(error: dict[str, t.Any]) -> ServerError:
    """The parts of an error object that may be shown; C(data) is absent from some errors."""
    data = error.get("data")
    if not isinstance(data, dict):
        data = {}
    code, number, errname = error.get("code"), data.get("error"), data.get("errname")
    reason = data.get("reason") or error.get("message")
    return ServerError(
        code=code if isinstance(code, int) else CALL_ERROR,
        errno=number if isinstance(number, int) else None,
        errname=errname if isinstance(errname, str) else "",
        reason=reason if isinstance(reason, str) else "",
        problems=problems(data.get("extra")) if code == INVALID_PARAMS else (),
    )


def problems(extra: t.Any) -> tuple[Problem, ...]:
    """Validation errors from the wire: C([attribute, message, errno]) each; other shapes are left out."""
    found: list[Problem] = []
    for triple in extra if isinstance(extra, list) else ():
        match triple:
            case [str() | None as attribute, str(message), int() | None as number]:
                found.append((attribute, message, number))
    return tuple(found)


def _decoded(text: str) -> t.Any:
    try:
        return ejson.decode(text)
    except (json.JSONDecodeError, RecursionError):
        decoded = None
    # Outside the except block, so that no traceback keeps the text: a JSONDecodeError carries all of it.
    return decoded
