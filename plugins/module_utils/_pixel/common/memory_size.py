# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse and format amounts of memory."""

from __future__ import annotations

import re

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid

MIB = 1024 * 1024
MINIMUM = 32 * MIB
"""Bytes. The least memory that TrueNAS accepts for a container."""
MAXIMUM = 2**63 - 1
"""Bytes. The largest limit that a kernel stores."""

UNITS = {
    "": MIB,
    "kib": 1024,
    "mib": MIB,
    "gib": 1024 * MIB,
    "tib": 1024 * 1024 * MIB,
    "k": 1024,
    "m": MIB,
    "g": 1024 * MIB,
    "t": 1024 * 1024 * MIB,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "tb": 1000**4,
}
AMOUNT = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)\s*([a-z]*)")


def parse_memory(text: str | int) -> int:
    """Return the bytes of `2GiB`, `2048MiB`, `2G` or a number of MiB, rounded down to whole MiB as TrueNAS stores them.

    Raise `Invalid` for anything else, for less than the 32 MiB that TrueNAS requires, and for 8 EiB and more.
    """
    match = AMOUNT.fullmatch(str(text).strip().lower())
    if match is None or match[2] not in UNITS:
        raise Invalid.in_field("memory", f"invalid amount of memory {text!r}", "use 2GiB, 2048MiB or a number of MiB")
    size = int(float(match[1]) * UNITS[match[2]]) // MIB * MIB
    if size < MINIMUM:
        raise Invalid.in_field("memory", f"invalid amount of memory {text!r}", "TrueNAS requires at least 32MiB")
    if size > MAXIMUM:
        raise Invalid.in_field("memory", f"invalid amount of memory {text!r}", "use less than 8388608TiB")
    return size


def format_memory(size: int | None) -> str | None:
    """Return the shortest exact form of a number of bytes: `2GiB`, `1536MiB`; None for None."""
    if size is None:
        return None
    for unit, amount in (("GiB", 1024 * MIB), ("MiB", MIB)):
        if size and size % amount == 0:
            return f"{size // amount}{unit}"
    return f"{size}B"
