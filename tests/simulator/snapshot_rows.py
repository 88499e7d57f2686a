# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How does the middleware show a ZFS snapshot? (py-libzfs snapshots_serialized)"""

from __future__ import annotations

import typing as t

from tests.simulator.zfs import Snapshot, Zfs

Row = dict[str, t.Any]

WITHOUT_PROPERTIES = {"name", "createtxg"}
"""If no other property is requested, rows have no `properties`."""

PLAIN = {
    "compressratio": ("1.81x", "1.81"),
    "refcompressratio": ("1.81x", "1.81"),
    "objsetid": ("1290", "1290"),
    "volsize": ("", ""),
    "type": ("snapshot", "snapshot"),
    "redact_snaps": ("", ""),
    "acltype": ("posix", "posix"),
    "primarycache": ("all", "all"),
    "secondarycache": ("all", "all"),
    "prefetch": ("all", "all"),
    "xattr": ("sa", "sa"),
    "version": ("5", "5"),
    "normalization": ("none", "none"),
    "casesensitivity": ("sensitive", "sensitive"),
    "keystatus": ("", ""),
    "encryption": ("off", "off"),
    "encryptionroot": ("", ""),
    "mlslabel": ("none", "none"),
    "context": ("none", "none"),
    "fscontext": ("none", "none"),
    "defcontext": ("none", "none"),
    "rootcontext": ("none", "none"),
    "useraccounting": ("1", "1"),
    "unique": ("0", "0"),
    "inconsistent": ("0", "0"),
    "ivsetguid": ("", ""),
    "keyguid": ("", ""),
    "redacted": ("0", "0"),
    "remaptxg": ("", ""),
}
SWITCHES = {"devices": True, "exec": True, "setuid": True, "nbmand": False, "utf8only": False}
UNITS = "BKMGTPE"


def row(zfs: Zfs, snapshot: Snapshot, extra: t.Mapping[str, t.Any]) -> Row:
    """The entry; `extra` is the option of a query: `properties` limits them, `holds` adds the tags."""
    wanted = extra.get("properties")
    shown: Row = {}
    if wanted is None or not set(wanted) <= WITHOUT_PROPERTIES:
        everything = properties(zfs, snapshot)
        shown["properties"] = {name: each for name, each in everything.items() if wanted is None or name in wanted}
    shown |= {
        "pool": snapshot.pool,
        "name": snapshot.id,
        "type": "SNAPSHOT",
        "snapshot_name": snapshot.label,
        "dataset": snapshot.dataset,
        "id": snapshot.id,
        "createtxg": str(snapshot.txg),
    }
    if extra.get("holds"):
        shown["holds"] = dict(snapshot.holds)
    if extra.get("retention"):
        shown["retention"] = None
    return shown


def properties(zfs: Zfs, snapshot: Snapshot) -> dict[str, Row]:
    clones = zfs.clones(snapshot.id)
    created = int(snapshot.created.timestamp())
    when = snapshot.created.strftime("%a %b %e %H:%M %Y")
    sizes = {"used": 0, "referenced": snapshot.referenced, "written": 0, "logicalreferenced": snapshot.referenced}
    texts = {
        "createtxg": str(snapshot.txg),
        "guid": str(snapshot.guid),
        "userrefs": str(len(snapshot.holds)),
        "defer_destroy": "on" if snapshot.deferred else "off",
        "clones": ",".join(clones),
        "numclones": str(len(clones)),
        "name": snapshot.id,
    }
    return {
        "org.truenas:incus_storage_pool": prop(snapshot.pool, snapshot.pool, snapshot.pool, "INHERITED"),
        **{name: prop(human(size), str(size), size) for name, size in sizes.items()},
        "creation": prop(when, str(created), snapshot.created),
        **{name: prop(text, text, text) for name, text in texts.items()},
        **{name: prop(value, raw, raw or None) for name, (value, raw) in PLAIN.items()},
        "version": prop("5", "5", 5),
        **{name: prop(*(("on", "on") if on else ("off", "off")), on) for name, on in SWITCHES.items()},
        **{key: prop(value, value, value, "LOCAL") for key, value in snapshot.properties.items()},
    }


def prop(value: str, rawvalue: str, parsed: t.Any, source: str = "NONE") -> Row:
    return {"value": value, "rawvalue": rawvalue, "source": source, "parsed": parsed}


def human(size: int) -> str:
    """As `zfs list` writes sizes: `0B`, `516M`."""
    number, unit = float(size), 0
    while number >= 1024:
        number, unit = number / 1024, unit + 1
    return f"{number:.3g}{UNITS[unit]}"
