# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb status: how far pixels have come, or how the NAS is."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError
from ansible_collections.pixels.truenas.plugins.module_utils._command import targets
from ansible_collections.pixels.truenas.plugins.module_utils._command.output import FAILED, missing
from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import first_boot, names, provisioning, readiness
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import nas

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

CONCURRENCY = 8
HEADER = ("NAME", "STATUS", "IP", "SSH", "PROVISIONING")


def show(asked: argparse.Namespace, output: Output) -> int:
    place = Place(asked, output)
    if not asked.names and not asked.all:
        return show_nas(place)
    from concurrent.futures import ThreadPoolExecutor

    chosen = targets.find(place.pixels, asked.names, everything=asked.all)
    with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
        rows = list(pool.map(lambda each: row(place, each), chosen.found))
    if output.json:
        keys = ("name", "status", "ipv4", "ssh", "provisioning")
        output.give([dict(zip(keys, each, strict=True)) for each in rows] + missing(chosen.missing))
    elif rows:
        output.table(HEADER, [(each[0], each[1].upper(), *(word or "—" for word in each[2:])) for each in rows])
    for error in chosen.missing:
        output.complain(f"Error: {error}")
    return FAILED if chosen.missing else 0


def row(place: Place, found: Container) -> tuple[str, str, str | None, str | None, str | None]:
    ssh = None
    if found.ipv4:
        ssh = "ready" if readiness.greeting(found.ipv4, place.ssh.port) else "no answer"
    return names.bare_name(found.name), found.status, found.ipv4, ssh, provisioned(place, found)


def provisioned(place: Place, found: Container) -> str | None:
    """C(done), C(failed) or C(running); None where it cannot be seen, or nothing was ever asked for."""
    if not found.running:
        return None
    rootfs = provisioning.Rootfs(place.pixels, found.name)
    marks = {first_boot.MARKER: "done", first_boot.FAILED: "failed", provisioning.FIRST_BOOT: "running"}
    try:
        return next((word for path, word in marks.items() if rootfs.has(path)), None)
    except PixelsError:
        # It takes an account with full rights to look.
        return None


def show_nas(place: Place) -> int:
    wire = place.pixels.wire
    account = nas.account(wire)
    listing = place.pixels.list()
    running = sum(each.running for each in listing)
    said = {
        "nas": place.nas,
        "release": nas.release(wire),
        "account": account.username,
        "pools": list(place.pixels.containers.pools()),
        "pixels": len(listing),
        "running": running,
    }
    if place.output.json:
        place.output.give(said)
        return 0
    place.output.say(f"{'NAS:':<12}{said['nas']}, TrueNAS {said['release']}")
    place.output.say(f"{'Account:':<12}{account.username}")
    place.output.say(f"{'Pools:':<12}{', '.join(place.pixels.containers.pools()) or '—'}")
    place.output.say(f"{'Pixels:':<12}{len(listing)}, {running} running")
    return 0
