# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the metadata of a container in its description, the only free text that TrueNAS 26 stores with one.

The rest of the description belongs to the user and is unchanged. The metadata is one line of it, appended if it is
new: `pixels.truenas: ` and a JSON object with the fields of `Metadata` that are set::

    Web server, ask Ann before you stop it
    pixels.truenas: {"fleet": "demo", "image": "ubuntu/24.04", "labels": {"role": "front"}}

A line with that prefix but no such object belongs to the user as well.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Metadata

PREFIX = "pixels.truenas: "
FIELDS = (
    *("fleet", "owner", "image", "origin", "cloning", "run", "pending", "stopped_by", "egress"),
    *("ttl", "expires", "ttl_keep", "protected", "idle_stop", "gateway"),
    *("base", "recipe", "building", "description"),
)
LABELS = "labels"
NIC_PARENT = "card"
"""The interface to which a new container is still to be attached. Not part of `Metadata`."""
SHUTDOWN_TIMEOUT = "shutdown_timeout"
"""The configured shutdown timeout in seconds, while a stop uses another one. Not part of `Metadata`."""
MAX_LENGTH = 1024
"""Of a description on TrueNAS 26, in characters."""


def metadata(description: str) -> Metadata:
    """Return the metadata in a description."""
    for line in description.split("\n"):
        if (found := parse_line(line)) is not None:
            return found
    return Metadata()


def nic(description: str) -> str | None:
    """Return the interface to which the creation was to attach the container; None once it has."""
    parent = first_record(description).get(NIC_PARENT)
    return parent if isinstance(parent, str) else None


def shutdown_timeout(description: str) -> int | None:
    """Return the shutdown timeout in seconds that is to be restored; None if it is unchanged."""
    seconds = first_record(description).get(SHUTDOWN_TIMEOUT)
    return seconds if isinstance(seconds, int) and not isinstance(seconds, bool) else None


def first_record(description: str) -> dict[str, t.Any]:
    """Return the first record in a description; empty if it has none."""
    return next((found for line in description.split("\n") if (found := record(line)) is not None), {})


def with_metadata(
    description: str, metadata: Metadata, *, nic_parent: str | None = None, shutdown_timeout: int | None = None
) -> str:
    """Return a description with its metadata replaced. Raises `Invalid` if it becomes too long."""
    lines = description.split("\n") if description else []
    places = [number for number, line in enumerate(lines) if parse_line(line) is not None]
    kept = [line for number, line in enumerate(lines) if number not in places]
    place = places[0] if places else len(kept)
    line = format_line(metadata, nic_parent, shutdown_timeout)
    kept[place:place] = [line] if line else []
    text = "\n".join(kept)
    if len(text) > MAX_LENGTH:
        problem = f"the description would have {len(text)} characters, and TrueNAS stores at most {MAX_LENGTH}"
        raise Invalid.in_field(LABELS, "the labels and metadata of a container are too long", problem)
    return text


def format_line(metadata: Metadata, nic_parent: str | None = None, shutdown_timeout: int | None = None) -> str | None:
    """Return the line with the metadata; None if nothing is set."""
    fields: dict[str, t.Any] = {name: value for name in FIELDS if (value := getattr(metadata, name))}
    if metadata.labels:
        fields[LABELS] = dict(metadata.labels)
    if nic_parent:
        fields[NIC_PARENT] = nic_parent
    if shutdown_timeout is not None:
        fields[SHUTDOWN_TIMEOUT] = shutdown_timeout
    return PREFIX + json.dumps(fields, ensure_ascii=False, sort_keys=True) if fields else None


def parse_line(line: str) -> Metadata | None:
    """Return the metadata in a line; None if it is not such a line."""
    found = record(line)
    if found is None:
        return None
    labels = found.get(LABELS)
    texts = {name: value for name, value in found.items() if name in FIELDS and isinstance(value, str)}
    return Metadata(labels=string_values(labels) if isinstance(labels, dict) else {}, **texts)


def record(line: str) -> dict[str, t.Any] | None:
    """Return the JSON object in a line with the prefix; None for any other line."""
    if not line.startswith(PREFIX):
        return None
    try:
        found = json.loads(line.removeprefix(PREFIX))
        # JSON can hold lone surrogates, which can be neither sent nor shown.
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def string_values(labels: dict[str, t.Any]) -> dict[str, str]:
    """Return the entries whose values are strings."""
    return {name: value for name, value in labels.items() if isinstance(value, str)}
