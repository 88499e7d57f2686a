# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our notes on a container in its description, which is the only free text TrueNAS 26 keeps with one.

A description is a person's: it stays as it is. Ours is one line in it, wherever it stands, and the last one where it is
new: C(pixels.truenas: ) and a JSON object of the fields of C(Marks) that are set, on one line::

    Web server, ask Ann before you stop it
    pixels.truenas: {"fleet": "demo", "image": "ubuntu/24.04", "labels": {"role": "front"}}

A line that begins like that and holds no such object is a person's as well.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Marks

PREFIX = "pixels.truenas: "
NOTES = ("fleet", "owner", "image", "origin", "cloning", "run", "pending")
LABELS = "labels"
CARD = "card"
"""The interface that a container is yet to be attached to; no note of anybody's, and gone with the next change."""
LONGEST = 1024
"""What the NAS takes for a description, in characters."""


def marks(description: str) -> Marks:
    """What is noted in a description."""
    for line in description.split("\n"):
        if (noted := parsed(line)) is not None:
            return noted
    return Marks()


def card(description: str) -> str | None:
    """The interface of the NAS that its maker was going to attach it to, where that may not have come about."""
    noted = next((found for line in description.split("\n") if (found := record(line)) is not None), {})
    parent = noted.get(CARD)
    return parent if isinstance(parent, str) else None


def with_marks(description: str, noted: Marks, *, card: str | None = None) -> str:
    """A description with these notes in the place of those in it. Raises C(Invalid) where it gets too long."""
    lines = description.split("\n") if description else []
    places = [number for number, line in enumerate(lines) if parsed(line) is not None]
    kept = [line for number, line in enumerate(lines) if number not in places]
    place = places[0] if places else len(kept)
    ours = written(noted, card)
    kept[place:place] = [ours] if ours else []
    text = "\n".join(kept)
    if len(text) > LONGEST:
        problem = f"they would make its description {len(text)} characters long, of which TrueNAS keeps {LONGEST}"
        raise Invalid(f"the labels and notes of a container are too long: {problem}", fields=((LABELS, problem),))
    return text


def written(noted: Marks, card: str | None = None) -> str | None:
    """The line; None where nothing is noted."""
    ours: dict[str, t.Any] = {name: value for name in NOTES if (value := getattr(noted, name))}
    if noted.labels:
        ours[LABELS] = dict(noted.labels)
    if card:
        ours[CARD] = card
    return PREFIX + json.dumps(ours, ensure_ascii=False, sort_keys=True) if ours else None


def parsed(line: str) -> Marks | None:
    """What a line notes; None where it is none of ours."""
    found = record(line)
    if found is None:
        return None
    labels = found.get(LABELS)
    texts = {name: value for name, value in found.items() if name in NOTES and isinstance(value, str)}
    return Marks(labels=of_texts(labels) if isinstance(labels, dict) else {}, **texts)


def record(line: str) -> dict[str, t.Any] | None:
    """The object in a line of ours; None in all others."""
    if not line.startswith(PREFIX):
        return None
    try:
        found = json.loads(line.removeprefix(PREFIX))
        # Half a character can be noted in JSON, and sent or shown nowhere.
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def of_texts(labels: dict[str, t.Any]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if isinstance(value, str)}
