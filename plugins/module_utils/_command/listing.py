# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs list and info: what pixels there are."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._command import output as output_of
from ansible_collections.pixels.truenas.plugins.module_utils._command import quick, targets
from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container


def show_list(asked: argparse.Namespace, output: Output) -> int:
    place = Place(asked, output)
    if asked.names:
        chosen = targets.find(place.pixels, asked.names)
        found, missing = chosen.found, chosen.missing
    else:
        found, missing = place.pixels.list(), []
        quick.note_the_way(place)
    if asked.status:
        found = [each for each in found if each.status == asked.status]
    if output.json:
        output.give(shown(found, place) + output_of.missing(missing))
    elif asked.quiet:
        for each in found:
            output.say(names.bare_name(each.name))
    elif not found and not missing:
        output.say("No pixels found.")
    elif found:
        output.table(quick.HEADER, [row(each) for each in found])
    for error in missing:
        output.complain(f"Error: {error}")
    return output_of.FAILED if missing else 0


def row(found: Container) -> tuple[str, str, str]:
    return quick.cells(found.name, found.status, found.ipv4)


def shown(found: t.Iterable[Container], place: Place) -> list[dict[str, t.Any]]:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel import show

    return [show.container(each, place.pixels) for each in found]


def show_info(asked: argparse.Namespace, output: Output) -> int:
    place = Place(asked, output)
    chosen = targets.find(place.pixels, asked.names, everything=asked.all)
    if output.json:
        output.give(shown(chosen.found, place) + output_of.missing(chosen.missing))
    else:
        for number, one in enumerate(shown(chosen.found, place)):
            if number:
                output.say("")
            for name, value in details(one):
                output.say(f"{name:<12}{value}")
    for error in chosen.missing:
        output.complain(f"Error: {error}")
    return output_of.FAILED if chosen.missing else 0


def details(one: dict[str, t.Any]) -> t.Iterator[tuple[str, str]]:
    """What is known of a pixel, in words; what is not set is left out."""
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.sizes import format_memory

    image = " ".join(filter(None, [one["image"]["os"], one["image"]["release"], one["image"]["variant"]]))
    yield "Name:", one["name"]
    yield "Status:", one["status"].upper()
    yield "IP:", ", ".join(each["address"] for each in one["addresses"]) or "—"
    yield "Image:", image or "—"
    yield "CPU:", one["cpu"] or "unlimited"
    yield "Memory:", format_memory(one["memory"]) or "unlimited"
    yield "Autostart:", "yes" if one["autostart"] else "no"
    for word in ("pool", "dataset", "fleet", "owner"):
        if one[word]:
            yield f"{word.capitalize()}:", one[word]
    for word in ("labels", "environment"):
        if one[word]:
            yield f"{word.capitalize()}:", " ".join(f"{name}={value}" for name, value in one[word].items())
    yield "NAS:", one["nas"]
