# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Select and sort the pixels that `pixels list` shows, and format its further columns."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.memory_size import format_memory
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import lifetime

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

WIDE_HEADER = ("IMAGE", "CPU", "MEMORY", "POOL", "OWNER", "FLEET", "LABELS")


def select(found: t.Iterable[Container], args: argparse.Namespace) -> list[Container]:
    """Return the pixels that meet all conditions of the command line, in its order."""
    return sorted((each for each in found if is_selected(each, args)), key=lambda each: sort_key(each, args.sort))


def is_selected(found: Container, args: argparse.Namespace) -> bool:
    """Return whether a pixel meets all conditions."""
    metadata = found.metadata
    labels = [text.partition("=") for text in args.label]
    return (
        args.status in (None, found.status)
        and args.owner in (None, metadata.owner)
        and args.fleet in (None, metadata.fleet)
        and (not args.expired or lifetime.describe_stored(metadata.expires) == lifetime.EXPIRED)
        and all(
            name in metadata.labels and (not equals or metadata.labels[name] == value) for name, equals, value in labels
        )
    )


def sort_key(found: Container, column: str) -> tuple[t.Any, ...]:
    """Return what to sort a pixel by. Pixels without a value come last; equal ones are sorted by name."""
    value: t.Any = {"status": found.status, "expires": found.metadata.expires}.get(column)
    if column == "ip" and found.address:
        address = ipaddress.ip_address(found.address)
        value = (address.version, int(address))
    return (value is None, value, found.name) if value is not None else (True, found.name)


def wide_cells(found: Container) -> tuple[str, ...]:
    """Return the further columns of a pixel."""
    image = " ".join(filter(None, [found.image.os, found.image.release, found.image.variant]))
    labels = " ".join(f"{name}={value}" for name, value in found.metadata.labels.items())
    limits = (found.cpu or "unlimited", format_memory(found.memory) or "unlimited")
    values = (image, *limits, found.pool, found.metadata.owner, found.metadata.fleet, labels)
    return tuple(value or "—" for value in values)
