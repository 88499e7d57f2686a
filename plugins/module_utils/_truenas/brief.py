# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that is to know of a container, without the types that take longer to load than the NAS takes to answer."""

from __future__ import annotations

FAMILIES = ("INET", "ipv4")


def query(prefix: str) -> tuple[str, list[object]]:
    """The call that lists all containers whose names start with C(prefix), as C(virt.py) makes it."""
    return "virt.instance.query", [[["name", "^", prefix], ["type", "=", "CONTAINER"]]]


def brief(row: dict[str, object]) -> tuple[str, str, str | None]:
    """Name, status in small letters, and first IPv4 address, as C(virt.container) has them."""
    aliases = row["aliases"]
    found = aliases if isinstance(aliases, list) else []
    ipv4 = next((each["address"] for each in found if each["type"] in FAMILIES and each["address"]), None)
    return str(row["name"]), str(row["status"]).lower(), ipv4
