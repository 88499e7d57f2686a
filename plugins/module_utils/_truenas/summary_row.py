# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Summarize rows of containers without the types of `backend.py`, which take longer to load than the NAS to reply."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._truenas import values

EXPIRES, BASE, BUILDING = "PIXELS/expires", "PIXELS/base", "PIXELS/building"
"""The variables that store fields of `Metadata` (`virt_rows.py`)."""


def query(prefix: str) -> tuple[str, list[object]]:
    """Return the call that lists all containers whose names start with `prefix`, as `VirtBackend.list` makes it."""
    return "virt.instance.query", [[["name", "^", prefix], ["type", "=", "CONTAINER"]]]


def is_plain(row: dict[str, object], prefix: str) -> bool:
    """Return whether a row is enough: its values are valid, and it is clear which address belongs to the NIC."""
    aliases = row["aliases"]
    status = row["status"]
    return (
        values.is_prefixed_name(row["name"], prefix)
        and isinstance(status, str)
        and values.STATUS.fullmatch(status) is not None
        and not are_unclear(aliases, used_only=True)
        and all(is_valid_alias(alias) for alias in (aliases if isinstance(aliases, list) else ()))
    )


def is_valid_alias(alias: dict[str, object]) -> bool:
    """Return whether an alias is a valid address, is empty, or is of another family."""
    family = values.FAMILIES.get(str(alias["type"]))
    return family is None or not alias["address"] or values.is_address(family, alias["address"])


def addresses_of(aliases: object) -> list[tuple[str, bytes, int | None]]:
    """Return family, packed bytes and prefix length of the usable addresses, in the order of the NAS."""
    found = []
    for alias in aliases if isinstance(aliases, list) else ():
        family = values.FAMILIES.get(str(alias.get("type")), "")
        packed = values.packed_address(family, alias.get("address"))
        if packed:
            found.append((family, packed, values.prefix_length(alias.get("netmask"), family)))
    return found


def are_unclear(aliases: object, *, used_only: bool = False) -> bool:
    """Return whether some of the aliases may belong to other interfaces of the guest than its NIC.

    That is the case with several addresses of one family, and with a single one that looks like a bridge's, which may
    exist before the NIC has an address. With `used_only`, IPv6 addresses are ignored if there is an IPv4 address.
    """
    found = addresses_of(aliases)
    families = [family for family, _packed, _prefix in found]
    if used_only and "ipv4" in families:
        found = [each for each in found if each[0] == "ipv4"]
        families = [family for family in families if family == "ipv4"]
    return len(families) > len(set(families)) or any(
        values.is_first_of_network(packed, prefix) for _family, packed, prefix in found
    )


def summarize(row: dict[str, object]) -> tuple[str, str, str | None, str | None]:
    """Return name, status as it is listed, address (IPv4, else IPv6) and time of expiry of a plain row."""
    found = sorted(addresses_of(row["aliases"]), key=lambda each: each[0])
    environment = row.get("environment")
    variables = environment if isinstance(environment, dict) else {}
    expires = variables.get(EXPIRES)
    return (
        str(row["name"]),
        status_of(str(row["status"]).lower(), variables.get(BASE), variables.get(BUILDING)),
        values.format_address(found[0][1]) if found else None,
        expires if isinstance(expires, str) else None,
    )


def status_of(status: str, base: object, building: object) -> str:
    """Return the status of a container as it is listed: `base` for a stopped base, `building` for an unfinished one."""
    if base and building:
        return "building"
    return "base" if base and status == "stopped" else status
