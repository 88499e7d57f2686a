# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How text becomes a request and an answer becomes text: JSON-RPC 2.0 as TrueNAS speaks it (ws_handler/rpc.py)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tests.simulator import ejson

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
TOO_MANY_CALLS = -32000
CALL_ERROR = -32001

NO_ID: t.Final = ejson.Undefined()
"""The id of a notification."""


@dataclass(frozen=True)
class Request:
    id: t.Any
    method: str
    params: list[t.Any]

    @property
    def notification(self) -> bool:
        return self.id is NO_ID


class Malformed(Exception):
    """What was sent is no request. `answer` is what goes back; None when the middleware stays silent."""

    def __init__(self, answer: dict[str, t.Any] | None) -> None:
        self.answer = answer
        super().__init__(str(answer))


def result(id: t.Any, value: t.Any) -> dict[str, t.Any]:
    return {"jsonrpc": "2.0", "result": value, "id": id}


def error(id: t.Any, code: int, message: str, data: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
    """Keys in middleware's order; some errors have no `data` at all."""
    details: dict[str, t.Any] = {"code": code, "message": message}
    if data is not None:
        details["data"] = data
    return {"jsonrpc": "2.0", "error": details, "id": id}


def notification(method: str, params: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params}


def parse(text: str) -> dict[str, t.Any]:
    """The object in a text message. Raises `Malformed`."""
    try:
        message = ejson.loads(text)
    except ValueError as refused:
        raise Malformed(error(None, PARSE_ERROR, str(refused))) from refused
    if isinstance(message, list):
        raise Malformed(error(None, PARSE_ERROR, "Batch messages are not supported at this time"))
    if not isinstance(message, dict):
        raise Malformed(error(None, PARSE_ERROR, "Invalid Message Format"))
    return message


def request(message: dict[str, t.Any]) -> Request:
    """The request in a parsed message. Raises `Malformed`."""
    wrong = _what_is_wrong(message)
    if wrong is not None:
        raise Malformed(error(message["id"], INVALID_REQUEST, wrong) if "id" in message else None)
    return Request(message.get("id", NO_ID), message["method"], message.get("params", []))


def _what_is_wrong(message: dict[str, t.Any]) -> str | None:
    if "jsonrpc" not in message:
        return "Missing 'jsonrpc' member"
    if message["jsonrpc"] != "2.0":
        return "'jsonrpc' member must be of type string and must be exactly '2.0'"
    # a bool is an int in Python, so the middleware accepts it as well
    if "id" in message and not isinstance(message["id"], (int, str, type(None))):
        return "'id' member must be of type null, string or number"
    if "method" not in message:
        return "Missing 'method' member"
    if not isinstance(message["method"], str):
        return "'method' member must be of type string"
    if not isinstance(message.get("params", []), list):
        return "'params' member must be of type array"
    return None
