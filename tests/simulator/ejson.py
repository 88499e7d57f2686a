# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The middleware's extended JSON: dates, sets and addresses inside plain JSON."""

from __future__ import annotations

import datetime
import ipaddress
import json
import typing as t

UTC = datetime.UTC


class Undefined:
    """The placeholder middleware leaves in `message_ids` for a job called by a notification: it cannot be sent."""


def dumps(value: t.Any) -> str:
    """Raises `TypeError` with middleware's words for what has no JSON."""
    return json.dumps(value, default=_encode)


def plain(value: t.Any) -> t.Any:
    """The value as a client's plain JSON decoder would see it."""
    return json.loads(dumps(value))


def loads(text: str) -> t.Any:
    """Raises `ValueError`; a malformed special object spoils the whole text, as in TrueNAS."""
    return json.loads(text, object_hook=_decode)


def _encode(value: t.Any) -> t.Any:
    if isinstance(value, datetime.datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return {"$date": int(aware.timestamp()) * 1000}
    if isinstance(value, datetime.date):
        return {"$type": "date", "$value": value.isoformat()}
    if isinstance(value, datetime.time):
        return {"$time": value.isoformat()}
    if isinstance(value, (set, frozenset)):
        return {"$set": list(value)}
    if isinstance(value, ipaddress.IPv4Interface):
        return {"$ipv4_interface": str(value)}
    if isinstance(value, ipaddress.IPv6Interface):
        return {"$ipv6_interface": str(value)}
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _decode(found: dict[str, t.Any]) -> t.Any:
    if len(found) == 2 and found.keys() == {"$type", "$value"} and found["$type"] == "date":
        return datetime.date.fromisoformat(found["$value"])
    if len(found) != 1:
        return found
    [(key, value)] = found.items()
    reader = _READERS.get(key)
    if reader is None:
        return found
    try:
        return reader(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(str(error)) from error


_READERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "$date": lambda value: datetime.datetime.fromtimestamp(value / 1000, tz=UTC),
    "$time": datetime.time.fromisoformat,
    "$set": set,
    "$ipv4_interface": ipaddress.IPv4Interface,
    "$ipv6_interface": ipaddress.IPv6Interface,
}
