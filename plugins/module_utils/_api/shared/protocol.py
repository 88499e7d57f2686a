# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What callers and the holder of a session say to each other: lines of JSON, with values and errors in them; no I/O.

holder: {"holder": {"protocol", "version", "pid"}, "challenge"}       at once, to everybody
caller: {"proof", "connect", "login_wait", "idle"}                    then {"welcome": true}, or {"refused": why}
        {"ask": "status"}                                             then {"status": {...}}
        {"ask": "stop"}                                               then {"stopping": pid}, and the holder ends
caller: {"do": read|call|run_job|download, "method", "params", "timeout", "progress": bool}
holder: {"taken": true}                                               before anything is done but read
        {"alive": true} · {"notice": text} · {"progress": [percent, description]}
        {"result": value} | {"error": {"class", "message", "attributes"}}
caller: {"do": "shell", "params": [options], ...}                     then {"result": [note, id]}; the shell is his:
        {"input": bytes} · {"give_back": note}                        the last is answered by {"result": true}
holder: {"output": bytes} · {"alive": true} · {"over": error}         until then
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import secrets
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api import errors
from ansible_collections.pixels.truenas.plugins.module_utils._api.ejson import NotSendable

PROTOCOL = 2
# Replies can be long; requests are 2 MiB at most, in which every character may take six.
LONGEST_LINE = 256 * 1024 * 1024
LONGEST_REQUEST = 16 * 1024 * 1024

# Seconds. The holder gives a sign of life so often while it works on something, and is given up after such a silence.
ALIVE_EVERY = 5.0
SILENCE = 30.0

Frame = dict[str, t.Any]
ATTRIBUTES = ("passing", "sent", "ending", "response_type", "fields", "method", "errno", "errname", "library", "trace")


class Garbled(ValueError):
    """The other side said something that is not a line of this protocol."""


def line(frame: Frame) -> bytes:
    """One line of ASCII; values that JSON has no words for are marked by a word that is in no other line.

    Unlike extended JSON it loses nothing, and leaves mappings that look like a marked value alone. Raises
    C(ejson.NotSendable).
    """
    mark = ""

    def of_its_own_kind(value: t.Any) -> dict[str, t.Any]:
        nonlocal mark
        mark = mark or secrets.token_hex(8)
        return {mark: _written(value)}

    text = json.dumps(frame, default=of_its_own_kind, separators=(",", ":"))
    if mark:
        text = f'{{"mark":"{mark}",{text[1:]}'
    return text.encode("ascii") + b"\n"


def frame(text: bytes) -> Frame:
    """What a line says; raises Garbled, also for half a line."""
    if not text.endswith(b"\n"):
        raise Garbled
    found = _loaded(text)
    mark = found.get("mark")
    if not isinstance(mark, str):
        return found

    def of_its_own_kind(value: dict[str, t.Any]) -> t.Any:
        return _read(*value[mark]) if mark in value else value

    return _loaded(text, of_its_own_kind)


def _loaded(text: bytes, hook: t.Callable[[dict[str, t.Any]], t.Any] | None = None) -> Frame:
    try:
        found = json.loads(text, object_hook=hook)
    except (ValueError, TypeError, LookupError, RecursionError):
        found = None
    # Outside the except block: the error would carry the text.
    if not isinstance(found, dict):
        raise Garbled
    return found


def _written(value: t.Any) -> tuple[str, t.Any]:
    match value:
        case set() | frozenset():
            return "set", list(value)
        case bytes():
            return "bytes", base64.b64encode(value).decode("ascii")
        case datetime.datetime():
            return "datetime", value.isoformat()
        case datetime.date():
            return "date", value.isoformat()
        case datetime.time():
            return "time", value.isoformat()
        case ipaddress.IPv4Interface():
            return "ipv4", str(value)
        case ipaddress.IPv6Interface():
            return "ipv6", str(value)
    raise NotSendable(f"a value of type {type(value).__name__} cannot be sent to TrueNAS")


READERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "set": set,
    "bytes": base64.b64decode,
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "ipv4": ipaddress.IPv4Interface,
    "ipv6": ipaddress.IPv6Interface,
}


def _read(kind: str, written: t.Any) -> t.Any:
    return READERS[kind](written)


def packed(error: errors.PixelsError) -> Frame:
    """An error as it crosses: its class, its sentence, and what it knows beside that."""
    known = {name: value for name, value in vars(error).items() if name in ATTRIBUTES}
    return {"class": type(error).__name__, "message": str(error), "attributes": known}


def unpacked(found: t.Any) -> errors.PixelsError:
    """The error that crossed, of the same class; raises Garbled."""
    match found:
        case {"class": str(name), "message": str(message), "attributes": dict(attributes)}:
            kind = getattr(errors, name, None)
            if not (isinstance(kind, type) and issubclass(kind, errors.PixelsError)):
                raise Garbled
            error = kind(message)
            for attribute in vars(error).keys() & attributes.keys():
                setattr(error, attribute, attributes[attribute])
            if isinstance(error, errors.Invalid):
                error.fields = tuple((field, problem) for field, problem in error.fields)
            return error
    raise Garbled
