# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse lifetimes of pixels, and compute when a pixel expires. Times are in UTC, durations in seconds."""

from __future__ import annotations

import datetime
import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container, Metadata

NEVER = "never"
"""The value of `ttl` that removes a lifetime."""

EXPIRED = "expired"

UNITS_S = {"w": 7 * 86400, "d": 86400, "h": 3600, "m": 60}
DURATION = re.compile(r"(?:(\d{1,4})w)?(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?", re.ASCII)
MAX_DURATION_S = 3650 * UNITS_S["d"]


def parse_duration(option: str, text: str) -> int:
    """Return the seconds of `90m`, `4h`, `7d`, `2w` or `1d12h`. Raises `Invalid`."""
    match = DURATION.fullmatch(text.strip().lower())
    amounts = [int(amount or 0) for amount in match.groups()] if match else []
    total = sum(amount * seconds for amount, seconds in zip(amounts, UNITS_S.values(), strict=False))
    if not 0 < total <= MAX_DURATION_S:
        raise Invalid.in_field(
            option, f"invalid duration {text!r}", "use a number with m, h, d or w, such as 90m, 4h or 1d12h"
        )
    return total


def format_duration(seconds: float) -> str:
    """Return whole minutes in the form that `parse_duration` reads, such as `1d12h`; `0m` below one minute."""
    left = int(seconds)
    words = []
    for unit in "dhm":
        amount, left = divmod(left, UNITS_S[unit])
        if amount:
            words.append(f"{amount}{unit}")
    return "".join(words) or "0m"


def parse_ttl(text: str) -> str:
    """Return the normal form of a lifetime: a duration, a time such as `2026-12-01T00:00:00Z`, or `never`.

    Raises `Invalid` for anything else.
    """
    text = text.strip()
    if text.lower() == NEVER:
        return NEVER
    if "-" not in text:
        return format_duration(parse_duration("ttl", text))
    is_date = re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII)
    found = parse_time(f"{text}T00:00Z" if is_date else text)
    if found is None:
        problem = "use a duration such as 4h, a date, a time with its offset such as 2026-12-01T18:00Z, or never"
        raise Invalid.in_field("ttl", f"invalid lifetime {text!r}", problem)
    return format_time(found)


def parse_keep(text: str, option: str = "ttl_keep") -> str:
    """Return the normal form of an option that is a duration, or `never`. Raises `Invalid`."""
    return NEVER if text.strip().lower() == NEVER else format_duration(parse_duration(option, text))


def format_time(moment: datetime.datetime) -> str:
    """Return a time in UTC as it is stored on the NAS."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def parse_time(text: str | None) -> datetime.datetime | None:
    """Return a time with an offset in UTC; None for none, and for a text that is not one."""
    try:
        found = datetime.datetime.fromisoformat(text or "")
        return found.astimezone(datetime.UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        # The offset of a time in the year 1 can lead to a year that does not exist.
        return None


def expiry(ttl: str, now: datetime.datetime) -> str | None:
    """Return when a pixel expires whose lifetime is set `now`; None for `never`."""
    if ttl == NEVER:
        return None
    moment = parse_time(ttl)
    return format_time(moment or now + datetime.timedelta(seconds=parse_duration("ttl", ttl)))


def reject_past(option: str, ttl: str, now: datetime.datetime) -> None:
    """Raise `Invalid` for a lifetime that is over: the pixel would be destroyed by the next `pixels reap`."""
    moment = parse_time(ttl)
    if moment and moment <= now:
        problem = f"it is {format_time(now)} by now. Use a later time, a duration such as 4h, or never"
        raise Invalid.in_field(option, f"the lifetime {ttl} is over", problem)


def expires(container: Container) -> datetime.datetime | None:
    """Return when a pixel expires; None if it does not."""
    return parse_time(container.metadata.expires)


def kept_until(metadata: Metadata) -> datetime.datetime | None:
    """Return until when an expired pixel is kept, stopped, before it is destroyed; None if it does not expire."""
    end = parse_time(metadata.expires)
    if end is None or not metadata.ttl_keep:
        return end
    try:
        return end + datetime.timedelta(seconds=parse_duration("ttl_keep", metadata.ttl_keep))
    except (Invalid, OverflowError):
        # Not a value of this collection. To keep the pixel is the safe choice.
        return None


def describe_stored(expires: str | None) -> str | None:
    """Return the time that is left by the clock of this controller, such as `3h12m`, or `expired`; None for no end."""
    end = parse_time(expires)
    if end is None:
        return None
    left = (end - datetime.datetime.now(datetime.UTC)).total_seconds()
    return EXPIRED if left <= 0 else format_duration(left)
