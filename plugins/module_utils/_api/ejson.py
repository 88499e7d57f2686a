# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extended JSON as TrueNAS speaks it: dates, times, sets and interfaces as small marked objects."""

from __future__ import annotations

import ipaddress
import json
import typing as t

RESERVED_KEYS = ({"$date"}, {"$time"}, {"$set"}, {"$ipv4_interface"}, {"$ipv6_interface"}, {"$type", "$value"})


class NotSendable(ValueError):
    """A value that extended JSON has no words for, or that the NAS would take for something else."""


def encode(value: t.Any) -> str:
    """Turn a value into text; dates lose what is below a second, as the vendor's encoder does it."""
    return json.dumps(_marked(value), allow_nan=False)


def decode(text: str) -> t.Any:
    """Turn text into a value; an invalid marked object is returned unchanged."""
    # NaN and infinity are no JSON, and no number that anything here could count with.
    return json.loads(text, object_hook=_unmarked, parse_constant=lambda _name: None)


def _marked(value: t.Any) -> t.Any:
    match value:
        case dict():
            # TrueNAS would read {"$date": "x"} as a broken date and throw the whole request away without naming it.
            if set(value) in RESERVED_KEYS:
                raise NotSendable(f"a mapping with only the key {min(value)} has a special meaning for TrueNAS")
            return {key: _marked(item) for key, item in value.items()}
        case list() | tuple():
            return [_marked(item) for item in value]
        case set() | frozenset():
            return {"$set": [_marked(item) for item in value]}
        case None | bool() | int() | float() | str():
            return value
    return _marked_object(value)


def _marked_object(value: t.Any) -> dict[str, t.Any]:
    # Here and below: it takes longer to load than all of this, and few messages have a date.
    import datetime

    match value:
        case datetime.datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
            return {
                "$date": (aware - datetime.datetime.fromtimestamp(0, datetime.UTC))
                // datetime.timedelta(seconds=1)
                * 1000
            }
        case datetime.date():
            return {"$type": "date", "$value": value.isoformat()}
        case datetime.time():
            return {"$time": value.isoformat()}
        case ipaddress.IPv4Interface():
            return {"$ipv4_interface": str(value)}
        case ipaddress.IPv6Interface():
            return {"$ipv6_interface": str(value)}
    raise NotSendable(f"a value of type {type(value).__name__} cannot be sent to TrueNAS")


def _unmarked(found: dict[str, t.Any]) -> t.Any:
    try:
        match found:
            case {"$date": int() as milliseconds} if len(found) == 1:
                return _moment(milliseconds)
            case {"$time": str() as text} if len(found) == 1:
                import datetime

                return datetime.time.fromisoformat(text)
            case {"$set": list() as items} if len(found) == 1:
                return set(items)
            case {"$ipv4_interface": str() as text} if len(found) == 1:
                return ipaddress.IPv4Interface(text)
            case {"$ipv6_interface": str() as text} if len(found) == 1:
                return ipaddress.IPv6Interface(text)
            case {"$type": "date", "$value": str() as text} if len(found) == 2:
                import datetime

                return datetime.date.fromisoformat(text)
    except (ValueError, OverflowError, TypeError):
        return found
    return found


def _moment(milliseconds: int) -> t.Any:
    """Since 1970; not by `fromtimestamp`, which goes less far."""
    import datetime

    return datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(milliseconds=milliseconds)
