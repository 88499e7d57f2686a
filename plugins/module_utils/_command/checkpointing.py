# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb checkpoint: saves states of pixels, lists them, goes back to them, forgets them, makes pixels of them."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._command import changing
from ansible_collections.pixels.truenas.plugins.module_utils._command.output import failure
from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import (
    checkpoints,
    cloning,
    lifecycle,
    names,
    openssh,
    restoring,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import (
    show as shown,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

FAILED = 1
CONCURRENCY = 8
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def create(asked: argparse.Namespace, output: Output) -> int:
    from concurrent.futures import ThreadPoolExecutor

    place = Place(asked, output)
    pixels = place.pixels
    chosen = changing.select(asked, place)
    wanted = checkpoints.Wanted(label=asked.label)

    def one(container: Container) -> dict[str, t.Any]:
        bare = names.bare_name(container.name)
        try:
            found = checkpoints.of(pixels, container)
            planned = checkpoints.plan(pixels, container, found, wanted)
            label = checkpoints.apply(pixels, container, planned, wanted)
        except PixelsError as error:
            return {"name": bare, "error": failure(error)}
        return {"name": bare, "label": label or asked.label, "changed": planned.change.needed}

    with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
        results = list(pool.map(one, chosen.found))
    results += [{"error": failure(error)} for error in chosen.missing]
    if output.json:
        output.give(results)
    for each in results:
        if "error" in each:
            output.complain(f"Error: {each['error']['message']}")
        elif each["changed"]:
            output.say(f'Checkpoint "{each["label"]}" created for {each["name"]}')
        else:
            output.say(f'{each["name"]} has a checkpoint "{each["label"]}" already')
    return FAILED if any("error" in each for each in results) else 0


def show(asked: argparse.Namespace, output: Output) -> int:
    place = Place(asked, output)
    found = checkpoints.of(place.pixels, place.pixels.get(asked.name))
    if output.json:
        output.give([shown.checkpoint(each, order) for order, each in enumerate(found, 1)])
    elif found:
        rows = [(each.label, size(each.snapshot.referenced), local(each)) for each in found]
        output.table(("LABEL", "SIZE", "CREATED"), rows)
    else:
        output.say(f"No checkpoints for {names.bare_name(asked.name)}.")
    return 0


def local(checkpoint: checkpoints.Checkpoint) -> str:
    return f"{checkpoint.snapshot.created.astimezone():%Y-%m-%d %H:%M:%S}"


def size(amount: float) -> str:
    """As upstream shows it: C(512 B), C(1.5 KiB)."""
    for unit in UNITS:
        if amount < 1024 or unit == UNITS[-1]:
            break
        amount /= 1024
    return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"


def restore(asked: argparse.Namespace, output: Output) -> int:
    began = time.monotonic()
    place = Place(asked, output)
    pixels = place.pixels
    container = pixels.get(asked.name)
    bare = names.bare_name(container.name)
    wanted = restoring.Wanted(asked.label, safety=asked.safety, discard_newer=asked.discard_newer)
    planned = restoring.plan(pixels, container, checkpoints.of(pixels, container), wanted)
    if container.running:
        output.complain(f"Stopping {bare}...")
    place.addresses.forget(container.name)
    openssh.hang_up(container.name)
    found, safety = restoring.restore(
        pixels,
        container,
        planned,
        patience=lifecycle.Patience(stop_timeout=asked.stop_timeout, wait="none", ssh_port=place.ssh.port),
        deadline=Deadline(changing.WHOLE),
    )
    warning = None
    if found and found.running and asked.wait != "none":
        try:
            found, warning = changing.settle_in(place, "start", found, asked.wait, provisioned=None)
        except TimedOut as error:
            warning = str(error)
    if found and found.running and found.ipv4:
        place.addresses.note(found.name, found.ipv4)
    if output.json:
        container_shown = found and shown.container(found, pixels)
        output.give({"name": bare, "label": planned.target.label, "safety": safety, "container": container_shown})
    output.say(f'Restored {bare} to "{planned.target.label}" in {time.monotonic() - began:.1f}s')
    if safety:
        output.say(f'  The state before is kept as "{safety}"')
    if found and found.ipv4:
        output.say(f"  SSH: ssh {place.ssh.user}@{found.ipv4}")
    if warning:
        output.warn(warning)
    return 0


def delete(asked: argparse.Namespace, output: Output) -> int:
    place = Place(asked, output)
    pixels = place.pixels
    container = pixels.get(asked.name)
    bare = names.bare_name(container.name)
    found = checkpoints.of(pixels, container)
    checkpoints.pick(pixels, container, found, asked.label)
    wanted = checkpoints.Wanted("absent", asked.label)
    checkpoints.apply(pixels, container, checkpoints.plan(pixels, container, found, wanted), wanted)
    if output.json:
        output.give({"name": bare, "label": asked.label, "changed": True})
    output.say(f'Deleted checkpoint "{asked.label}" from {bare}')
    return 0


def clone(asked: argparse.Namespace, output: Output) -> int:
    full = [names.full_name(name) for name in asked.names]
    wanted = lifecycle.Wanted(name="", origin=cloning.parse(asked.source))
    return changing.make(asked, Place(asked, output), full, wanted)
