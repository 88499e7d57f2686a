# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb checkpoint: saves states of pixels, lists them, goes back to them, forgets them, makes pixels of them."""

from __future__ import annotations

import shlex
import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import PixelsError, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._command import changing, ssh_config
from ansible_collections.pixels.truenas.plugins.module_utils._command.output import failure, leave_at_once
from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import (
    checkpoints,
    cloning,
    lifecycle,
    names,
    openssh,
    restoring,
    whereabouts,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import (
    show as shown,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

T = t.TypeVar("T")

FAILED = 1
CONCURRENCY = 8
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def create(asked: argparse.Namespace, output: Output) -> int:
    from concurrent.futures import ThreadPoolExecutor

    place = Place(asked, output)
    pixels = place.pixels
    chosen = changing.select(asked, place)
    wanted = checkpoints.Wanted(label=asked.label)
    ended: list[dict[str, t.Any]] = []

    def one(container: Container) -> dict[str, t.Any]:
        bare = names.bare_name(container.name)
        try:
            found = checkpoints.of(pixels, container)
            planned = checkpoints.plan(pixels, container, found, wanted)
            label = checkpoints.apply(pixels, container, planned, wanted)
        except PixelsError as error:
            result: dict[str, t.Any] = {"name": bare, "error": failure(error)}
        else:
            result = {"name": bare, "label": label or asked.label, "changed": planned.change.needed}
        ended.append(result)
        return result

    def all_of_them() -> list[dict[str, t.Any]]:
        with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
            return list(pool.map(one, chosen.found))

    def tell_what_is_left() -> None:
        told = {each["name"]: told_of(each) for each in list(ended)}
        for bare in (names.bare_name(each.name) for each in chosen.found):
            output.complain(f"  {told.get(bare, f'{bare}: not known yet, see pixels checkpoint list {bare}')}")
        output.complain("To go on: give the same command again, with a --label it is taken once only")

    results = interruptible(place, all_of_them, tell_what_is_left)
    results += [{"error": failure(error)} for error in chosen.missing]
    if output.json:
        output.give(results)
    for each in results:
        if "error" in each:
            output.complain(told_of(each))
        else:
            output.say(told_of(each))
    return FAILED if any("error" in each for each in results) else 0


def told_of(result: t.Mapping[str, t.Any]) -> str:
    """How saving the state of one pixel went."""
    if "error" in result:
        return f"Error: {result['error']['message']}"
    if result["changed"]:
        return f'Checkpoint "{result["label"]}" created for {result["name"]}'
    return f'{result["name"]} has a checkpoint "{result["label"]}" already'


def interruptible(place: Place, work: t.Callable[[], T], tell_what_is_left: t.Callable[[], None]) -> T:
    """Work in a way that Ctrl-C ends at once; then say how things stand, for the NAS goes on."""
    results: list[T] = []

    def run() -> list[changing.Ended]:
        results.append(work())
        return []

    try:
        changing.beside(run)
    except KeyboardInterrupt:
        place.output.complain(f"Interrupted. What {place.nas} was told to do goes on:")
        try:
            tell_what_is_left()
        except PixelsError as error:
            place.output.complain(f"  cannot tell how things are: {error}")
        leave_at_once()
    return results[0]


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
    planned = restoring.find_way(pixels, container, wanted)
    if container.running:
        output.complain(f"Stopping {bare}...")
    place.addresses.forget(container.name)
    openssh.hang_up(container.name)
    found, safety = interruptible(
        place,
        lambda: restoring.restore(
            pixels,
            container,
            planned,
            patience=lifecycle.Patience(stop_timeout=asked.stop_timeout, wait="none", ssh_port=place.ssh.port),
            deadline=Deadline(changing.WHOLE),
        ),
        lambda: tell_how_far_it_came(place, container, asked),
    )
    warning = None
    if found and found.running and asked.wait != "none":
        try:
            found, warning = changing.settle_in(place, "start", found, asked.wait, provisioned=None)
        except TimedOut as error:
            warning = str(error)
    if found and found.running and found.ipv4:
        place.addresses.note(found.name, found.ipv4)
        ssh_config.keep_up_to_date(place)
    if output.json:
        output.give(
            {
                "name": bare,
                "label": planned.target.label,
                "safety": safety,
                "discarded": list(planned.discarded),
                "container": found and shown.container(found, pixels),
            }
        )
    output.say(f'Restored {bare} to "{planned.target.label}" in {time.monotonic() - began:.1f}s')
    if safety:
        output.say(f'  The state before is kept as "{safety}"')
    if planned.discarded:
        output.say(f"  Gone for good, being newer: {', '.join(planned.discarded)}")
    if found and found.ipv4:
        output.say(f"  SSH: ssh {place.ssh.user}@{found.ipv4}")
    if warning:
        output.warn(warning)
    return 0


def tell_how_far_it_came(place: Place, container: Container, asked: argparse.Namespace) -> None:
    """After Ctrl-C in a restore: how the pixel is, that nothing is lost, and how to go on."""
    pixels, output = place.pixels, place.output
    bare = names.bare_name(container.name)
    now = pixels.find(bare)
    output.complain(f"  {bare} is {now.status if now else 'gone'}")
    if now and whereabouts.halfway(pixels, now):
        output.complain("  its files are changing places: nothing is lost, what you do next with it finishes that")
    options = [f"--{name}" for name in ("safety", "discard-newer") if getattr(asked, name.replace("-", "_"))]
    output.complain(f"To go on: {shlex.join(['pixels', 'checkpoint', 'restore', bare, asked.label, *options])}")
    output.complain(f"To have it run as it is: pixels start {bare}")


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
