# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the versions of a base: stopped pixels such as `base-python-3`, each with a checkpoint that clones come from.

The name of a version alone does not make it one: its metadata name the base as well.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import ALLOWED, PixelName

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

PREFIX_IN_ORIGIN = "base:"
"""Of a source of clones that is a base, such as `base:python`."""

READY = "ready"
"""The label of the checkpoint that clones come from."""

VERSION = re.compile(r"base-(.+)-([1-9][0-9]{0,5})", re.ASCII)
MAX_NUMBER = 999_999
MAX_LENGTH = 48
"""Characters of the name of a base, which leaves room for the number of a version."""


def check_name(option: str, base: str) -> str:
    """Return the name of a base. Raises `Invalid`."""
    if ALLOWED.fullmatch(base) and len(base) <= MAX_LENGTH:
        return base
    problem = f"use up to {MAX_LENGTH} letters, digits and dashes, and no dash at either end"
    raise Invalid.in_field(option, f"invalid name of a base {base!r}", problem)


def base_of(name: PixelName) -> str | None:
    """Return the base that a pixel of this name would be a version of; None for other names."""
    found = VERSION.fullmatch(name.bare)
    return found[1] if found else None


def number_of(name: PixelName) -> int:
    """Return the number of a version; 0 for other names."""
    found = VERSION.fullmatch(name.bare)
    return int(found[2]) if found else 0


def is_version(container: Container) -> bool:
    """Return whether a pixel is a version of a base."""
    return container.metadata.base is not None and base_of(container.name) == container.metadata.base


def is_complete(container: Container) -> bool:
    """Return whether a pixel is a version of a base that pixels can be cloned from."""
    return is_version(container) and not container.metadata.building and not container.metadata.cloning


def versions(listing: t.Iterable[Container], base: str) -> list[Container]:
    """Return the versions of a base, oldest first, with those that are being built."""
    found = [each for each in listing if is_version(each) and each.metadata.base == base]
    return sorted(found, key=lambda each: number_of(each.name))


def newest(listing: t.Iterable[Container], base: str) -> Container | None:
    """Return the newest complete version of a base; None if it has none."""
    return next((each for each in reversed(versions(listing, base)) if is_complete(each)), None)


def next_name(listing: t.Collection[Container], base: str) -> PixelName:
    """Return the name of the next version. No pixel has it, whether or not it is a version.

    Raises `Refused` if there is none: a version with another name would not be found.
    """
    taken = {each.name for each in listing}
    newest = max((number_of(each.name) for each in versions(listing, base)), default=0)
    for number in range(newest + 1, MAX_NUMBER + 1):
        name = PixelName.parse(f"base-{base}-{number}")
        if name not in taken:
            return name
    raise Refused(f"there is no number for another version of the base {base}").with_hints(
        Hint.advice(f"destroy the base {base} and build it again")
    )
