# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs list and info."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._cli import list_selection, list_table, nas_note, targets
from ansible_collections.pixels.truenas.plugins.module_utils._cli import output as output_of
from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import summary_row

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container


def show_list(args: argparse.Namespace, output: Output) -> int:
    """List pixels."""
    context = CliContext(args, output)
    if args.names:
        chosen = targets.find(context.pixels, args.names, with_bases=True)
        found, missing = chosen.found, chosen.missing
    else:
        found, missing = context.pixels.list(), []
        nas_note.write(context, generation=context.pixels.backend.generation)
    found = list_selection.select(found, args)
    if output.json:
        output.print_json(shown(found, context) + output_of.missing(missing))
    elif args.quiet:
        for each in found:
            output.say(each.name.bare)
    elif not found and not missing:
        output.say("No pixels found.")
    elif found:
        header, rows = list_table.table([row(each) for each in found])
        if args.wide:
            header = (*header, *list_selection.WIDE_HEADER)
            rows = [(*cells, *list_selection.wide_cells(each)) for cells, each in zip(rows, found, strict=True)]
        output.table(header, rows)
    for error in missing:
        output.report(error)
    return output_of.FAILED if missing else 0


def row(found: Container) -> list_table.Row:
    """Return what the list shows of a pixel."""
    metadata = found.metadata
    status = summary_row.status_of(found.status, metadata.base, metadata.building)
    return found.name, status, found.address, metadata.expires


def shown(found: t.Iterable[Container], context: CliContext) -> list[dict[str, t.Any]]:
    """Return pixels as JSON."""
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel import serialize

    return [serialize.container(each, context.pixels) for each in found]


def show_info(args: argparse.Namespace, output: Output) -> int:
    """Show details of pixels."""
    context = CliContext(args, output)
    chosen = targets.find(context.pixels, args.names, everything=args.all, with_bases=True)
    if output.json:
        output.print_json(with_devices(chosen.found, context) + output_of.missing(chosen.missing))
    else:
        for number, pixel in enumerate(with_devices(chosen.found, context)):
            if number:
                output.say("")
            for name, value in details(pixel):
                output.say(f"{name:<12}{value}")
    for error in chosen.missing:
        output.report(error)
    return output_of.FAILED if chosen.missing else 0


def with_devices(found: t.Iterable[Container], context: CliContext) -> list[dict[str, t.Any]]:
    """Return pixels as JSON with their devices, which take another read for each pixel."""
    from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.lifecycle import device_changes

    pixels = shown(found, context)
    for pixel in pixels:
        pixel["devices"] = []
        # A pixel that another client has destroyed since it was listed has none.
        with contextlib.suppress(NotFound):
            pixel["devices"] = device_changes.shown(context.pixels.containers.devices.list(pixel["full_name"]))
    return pixels


def details(pixel: dict[str, t.Any]) -> t.Iterator[tuple[str, str]]:
    """Yield label and value of each detail of a pixel that is set."""
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.lifecycle_report import format_device
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.memory_size import format_memory

    image = " ".join(filter(None, [pixel["image"]["os"], pixel["image"]["release"], pixel["image"]["variant"]]))
    yield "Name:", pixel["name"]
    yield "Status:", pixel["status"].upper()
    yield "IP:", ", ".join(each["address"] for each in pixel["addresses"]) or "—"
    yield "Image:", image or "—"
    yield "CPU:", pixel["cpu"] or "unlimited"
    yield "Memory:", format_memory(pixel["memory"]) or "unlimited"
    yield "Autostart:", "yes" if pixel["autostart"] else "no"
    if pixel["protected"]:
        yield "Protected:", "yes"
    for word in ("expires", "pool", "dataset", "fleet", "owner"):
        if pixel[word]:
            yield f"{word.capitalize()}:", pixel[word]
    for word in ("labels", "environment"):
        if pixel[word]:
            yield f"{word.capitalize()}:", " ".join(f"{name}={value}" for name, value in pixel[word].items())
    for number, device in enumerate(pixel["devices"]):
        yield "" if number else "Devices:", format_device(device)
    yield "NAS:", pixel["nas"]
