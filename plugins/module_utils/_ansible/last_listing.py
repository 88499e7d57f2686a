# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the last listing of a NAS, for when the NAS does not respond."""

from __future__ import annotations

import contextlib
import hashlib
import json
import typing as t
from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._api import atomic_file
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import user_dirs
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PREFIX, PixelName

Rows = list[dict[str, t.Any]]

REQUIRED = {
    *("name", "full_name", "status", "ipv4", "addresses", "image", "environment", "fleet", "owner", "labels"),
}
"""Keys of a row, without `LATER`."""

LATER: dict[str, t.Any] = {
    **dict.fromkeys(("ipv6", "ttl", "expires", "idle_stop")),
    "protected": False,
    "gateway": [],
}
"""Keys that earlier versions did not write, with their defaults."""


class Listing(t.NamedTuple):
    """The pixels of a NAS, and whether the NAS reports them now."""

    rows: Rows
    fresh: bool = True


def identity(nas: str, username: str) -> str:
    """Return a part of a file name that depends on the NAS and the account."""
    return hashlib.sha256(f"{username}@{nas}".encode()).hexdigest()[:16]


class LastListing:
    """The file of one NAS and account, which only its owner can read. Failures to read or write it are ignored."""

    def __init__(self, nas: str, username: str, *, directory: Path | None = None) -> None:
        self.nas = nas
        self.path = (directory or Path(user_dirs.writable_cache())) / f"listing-{identity(nas, username)}.json"

    def read(self) -> Rows | None:
        """Return the rows as they are in the file; None if there are none."""
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return rows if isinstance(rows, list) else None

    def write(self, rows: Rows) -> None:
        """Replace the file."""
        with contextlib.suppress(Refused):
            atomic_file.replace(self.path, json.dumps(rows).encode())

    def fresh_or_last(self, fetch: t.Callable[[], Rows], warn: values.Warn) -> Listing:
        """Return what `fetch` returns, else the last listing with a warning. Raise the error of `fetch` without one."""
        try:
            rows = fetch()
        except PixelsError as error:
            last = self.read()
            if last is None:
                raise
            warn(f"using the last listing of {self.nas}: {error}")
            return Listing(valid(last, self.nas, warn), fresh=False)
        self.write(rows)
        return Listing(rows)


def valid(listing: object, nas: str, warn: values.Warn) -> Rows:
    """Return the valid rows of a listing from a file, which may be changed, damaged or of another version.

    `warn` is called with a text if rows are skipped.
    """
    rows = listing if isinstance(listing, list) else []
    found = [{**LATER, **row, "nas": nas} for row in rows if is_row(row)]
    if not isinstance(listing, list) or len(found) < len(rows):
        warn(f"the stored listing of {nas} is damaged: {len(rows) - len(found)} of its entries are skipped")
    return found


def is_row(row: object) -> bool:
    """Return whether a value is a pixel as `serialize.container` returns it."""
    if not isinstance(row, dict) or not row.keys() >= REQUIRED:
        return False
    image, labels, addresses = row["image"], row["labels"], row["addresses"]
    return (
        values.is_prefixed_name(row["full_name"], PREFIX)
        and row["name"] == PixelName(row["full_name"]).bare
        and isinstance(row["status"], str)
        and values.STATUS.fullmatch(row["status"]) is not None
        and isinstance(image, dict)
        and all(isinstance(image.get(key), str) for key in ("os", "release"))
        and isinstance(labels, dict)
        and all(values.LABEL.fullmatch(name) and isinstance(value, str) for name, value in labels.items())
        and all(isinstance(row[name], (str, type(None))) for name in ("fleet", "owner"))
        and all(isinstance(row.get(name), (str, type(None))) for name in ("ttl", "expires"))
        and isinstance(row["environment"], dict)
        and isinstance(addresses, list)
        and all(is_address(entry) for entry in addresses)
        and all(row.get(family) is None or values.packed_address(family, row[family]) for family in ("ipv4", "ipv6"))
    )


def is_address(entry: object) -> bool:
    """Return whether a value is an address of a pixel with its family."""
    return isinstance(entry, dict) and values.packed_address(str(entry.get("family")), entry.get("address")) is not None
