# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encode calls, and decode replies and events: JSON-RPC 2.0 as TrueNAS implements it; no I/O."""

from __future__ import annotations

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
    """A message is not JSON-RPC. The error does not hold the message."""


def new_id() -> str:
    """Return a unique ID for a request. The module `uuid` takes longer to load than this one."""
    return os.urandom(16).hex()


@dataclass(frozen=True)
class ServerError:
    """An error of the NAS, without the server's traceback, which holds local variables."""

    code: int
    errno: int | None = None
    errname: str = ""
    reason: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Reply:
    """The reply to the request with this ID: a result, or an error."""

    id: str
    result: t.Any = field(default=None, repr=False)
    error: ServerError | None = None
    problem: str = ""
    """Why the reply is invalid; then it has neither a result nor an error."""


@dataclass(frozen=True)
class Event:
    """A change in a collection to which the session has subscribed."""

    collection: str
    fields: dict[str, t.Any] = field(repr=False)


def request(identity: str, method: str, params: t.Sequence[t.Any]) -> str:
    """Return the text of a call. Raises `ejson.NotSendable`."""
    return ejson.encode({"jsonrpc": "2.0", "id": identity, "method": method, "params": list(params)})


def size_limit(method: str, *, logged_in: bool) -> int:
    """Return the size limit of a request in characters. Above it the NAS closes the connection (utils/limits.py)."""
    if not logged_in:
        return ANONYMOUS_LIMIT
    return UPLOAD_LIMIT if method in UPLOAD_METHODS else LIMIT


def parse(text: str, redact: t.Callable[[t.Any], t.Any] = lambda value: value) -> Reply | Event | None:
    """Return the reply or the event in a message; None for a message without a request, such as an error without ID.

    `redact` masks secrets in errors, which may echo what was sent, and raises `ValueError` for an invalid error.
    TrueNAS sends an error with a null ID if it cannot serialize an event; no call has failed then.
    """
    match _decoded(text):
        case {"method": "collection_update", "params": {"collection": str() as collection, **rest}}:
            fields = rest.get("fields")
            return Event(collection, fields if isinstance(fields, dict) else {})
        case {"id": str() as identity, "error": dict() as error}:
            try:
                return Reply(identity, error=server_error(redact(error)))
            except ValueError as problem:
                return Reply(identity, problem=f"the error is invalid: {problem}")
        case {"id": str() as identity, "result": result}:
            return Reply(identity, result=result)
        case {"id": str() as identity, "error": _}:
            return Reply(identity, problem="the error is not an object")
        case {"id": str() as identity}:
            return Reply(identity, problem="it has neither a result nor an error")
        case dict():
            return None
    raise NotJsonRpc


def server_error(error: dict[str, t.Any]) -> ServerError:
    """Return the parts of an error object that may be shown. Some errors have no `data`."""
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
    """Return validation errors, each `[attribute, message, errno]`; anything else is ignored."""
    found: list[Problem] = []
    for triple in extra if isinstance(extra, list) else ():
        match triple:
            case [str() | None as attribute, str() as message, int() | None as number]:
                found.append((attribute, message, number))
    return tuple(found)


def _decoded(text: str) -> t.Any:
    try:
        return ejson.decode(text)
    except (ValueError, RecursionError):
        # ValueError: not JSON, or a number with more digits than Python parses.
        decoded = None
    # Outside the except block: a JSONDecodeError in a traceback would hold the whole text.
    return decoded
