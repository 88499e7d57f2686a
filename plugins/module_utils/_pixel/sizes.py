# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts of memory as users write them."""

from __future__ import annotations

import re

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid

MIB = 1024 * 1024
SMALLEST = 32 * MIB

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
AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


def parse_memory(text: str | int) -> int:
    """Bytes, in whole MiB as TrueNAS keeps them, of C(2GiB), C(2048MiB), C(2G) or a bare number of MiB.

    Raises C(Invalid) for anything else, and for less than the 32 MiB TrueNAS asks for.
    """
    match = AMOUNT.fullmatch(str(text).strip().lower())
    if match is None or match[2] not in UNITS:
        problem = "write 2GiB, 2048MiB or a number of MiB"
        raise Invalid(f"memory {text!r} is not an amount of memory: {problem}", fields=(("memory", problem),))
    size = int(float(match[1]) * UNITS[match[2]]) // MIB * MIB
    if size < SMALLEST:
        problem = "TrueNAS gives a container 32MiB or more"
        raise Invalid(f"memory {text!r} is too little: {problem}", fields=(("memory", problem),))
    return size


def format_memory(size: int | None) -> str | None:
    """The shortest exact way to write a number of bytes: C(2GiB), C(1536MiB)."""
    if size is None:
        return None
    for unit, amount in (("GiB", 1024 * MIB), ("MiB", MIB)):
        if size and size % amount == 0:
            return f"{size // amount}{unit}"
    return f"{size}B"
