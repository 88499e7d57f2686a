# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol between clients and the session daemon: frames as lines of JSON, with values and errors; no I/O.

daemon: {"daemon": {"protocol", "version", "pid"}, "challenge"}       on each new connection
client: {"proof", "connect", "login_wait", "idle"}                    reply: {"welcome": true} or {"refused": reason}
        {"ask": "status"}                                             reply: {"status": {...}}
        {"do": "command", "program": [directories, version]}          reply: {"result": false}; or the command server
                                                                      has the connection from now on (command_server.py)
        {"ask": "stop"}                                               reply: {"stopping": pid}; then the daemon ends
client: {"do": read|call|run_job|download, "method", "params", "timeout", "call_timeout", "progress": bool}
daemon: {"taken": true}                                               before it begins anything but a read
        {"alive": true} · {"notice": text} · {"progress": [percent, description]}
        {"result": value} | {"error": {"class", "message", "attributes"}}
client: {"do": "shell", "params": [options, unused], ...}             reply: {"result": [note, id]}; then
        {"input": bytes} · {"give_back": note}                        the last has the reply {"result": true}
daemon: {"output": bytes} · {"alive": true} · {"over": error}         while the client has the shell

Times are in seconds.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import os
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api import errors
from ansible_collections.pixels.truenas.plugins.module_utils._api.ejson import NotSendable
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint

PROTOCOL = 3
MAX_LINE_BYTES = 256 * 1024 * 1024
MAX_REQUEST_BYTES = 16 * 1024 * 1024
"""TrueNAS accepts 2 MiB, of which each character may take six bytes here."""

KEEPALIVE_INTERVAL_S = 0.5
"""Between two keepalives of the daemon while it works on a request."""
RESPONSE_TIMEOUT_S = 2.0
"""Until a daemon greets, begins a request, and sends the next keepalive. After that it counts as stopped."""
SILENCE_TIMEOUT_S = 10.0
"""The same for work that cannot move to another daemon: a change that has begun, and a shell."""
WRITE_TIMEOUT_S = 30.0
"""Until a daemon accepts more input for a shell: it waits for the NAS, which waits for the program in the pixel."""

Frame = dict[str, t.Any]
ATTRIBUTES = (  # of the classes in errors.py
    "passing",
    "permanent",
    "sent",
    "ending",
    "response_type",
    "fields",
    "method",
    "errno",
    "errname",
    "library",
    "trace",
    "pending",
    "hints",
)


class ProtocolError(ValueError):
    """What arrived is not a frame of this protocol."""


def encode(frame: Frame) -> bytes:
    """Return a frame as one line of ASCII. Values of other types than JSON has are tagged with a random key.

    Unlike the extended JSON of TrueNAS this loses nothing, and mappings that look like a tagged value stay unchanged.
    Raises `ejson.NotSendable`.
    """
    mark = ""

    def tag(value: t.Any) -> dict[str, t.Any]:
        nonlocal mark
        mark = mark or os.urandom(8).hex()
        return {mark: _to_json(value)}

    text = json.dumps(frame, default=tag, separators=(",", ":"))
    if mark:
        text = f'{{"mark":"{mark}",{text[1:]}'
    return text.encode("ascii") + b"\n"


def decode(line: bytes) -> Frame:
    """Return the frame in a line. Raises `ProtocolError`, also for a partial line."""
    if not line.endswith(b"\n"):
        raise ProtocolError
    frame = _load(line)
    mark = frame.get("mark")
    if not isinstance(mark, str):
        return frame

    def untag(value: dict[str, t.Any]) -> t.Any:
        return _from_json(*value[mark]) if mark in value else value

    return _load(line, untag)


def _load(line: bytes, object_hook: t.Callable[[dict[str, t.Any]], t.Any] | None = None) -> Frame:
    try:
        frame = json.loads(line, object_hook=object_hook)
    except (ValueError, TypeError, LookupError, RecursionError):
        frame = None
    # Outside the except block, as the context of the error would hold the line.
    if not isinstance(frame, dict):
        raise ProtocolError
    return frame


def _to_json(value: t.Any) -> tuple[str, t.Any]:
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


PARSERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "set": set,
    "bytes": base64.b64decode,
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "ipv4": ipaddress.IPv4Interface,
    "ipv6": ipaddress.IPv6Interface,
}


def _from_json(kind: str, value: t.Any) -> t.Any:
    return PARSERS[kind](value)


def error_to_frame(error: errors.PixelsError) -> Frame:
    """Return the class, the message and the attributes of an error."""
    attributes = {name: value for name, value in vars(error).items() if name in ATTRIBUTES}
    return {"class": type(error).__name__, "message": error.message, "attributes": attributes}


def error_from_frame(frame: t.Any) -> errors.PixelsError:
    """Return the error that `error_to_frame` described. Raises `ProtocolError`."""
    match frame:
        case {"class": str() as name, "message": str() as message, "attributes": dict() as attributes}:
            kind = getattr(errors, name, None)
            if not (isinstance(kind, type) and issubclass(kind, errors.PixelsError)):
                raise ProtocolError
            error = kind(message)
            for attribute in vars(error).keys() & attributes.keys():
                setattr(error, attribute, attributes[attribute])
            if "hints" in attributes:
                error.hints = tuple(Hint(*each) for each in attributes["hints"])
            if isinstance(error, errors.Invalid):
                error.fields = tuple((field, problem) for field, problem in error.fields)
            return error
    raise ProtocolError
