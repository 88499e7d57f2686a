# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find pixels by names and patterns, or all of them."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PREFIX, PixelName

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

WILD = set("*?[")


class Targets(t.NamedTuple):
    """The pixels that exist, and an error for each name or pattern without one."""

    found: list[Container]
    missing: list[NotFound]


def is_pattern(word: str) -> bool:
    """Return whether a word is a pattern."""
    return not WILD.isdisjoint(word)


def find(pixels: Pixels, words: t.Sequence[str], *, everything: bool = False, with_bases: bool = False) -> Targets:
    """Return pixels by names and patterns (`agent-*`), each once and in this order; or all of them.

    Bases and gateways are found by their names only, unless `with_bases` is set.

    Raises `Invalid` for an invalid name.
    """
    if len(words) == 1 and not everything and not is_pattern(words[0]):
        one = pixels.find(words[0])
        return Targets([one], []) if one else Targets([], [missing(pixels, words[0])])
    wanted = [word if is_pattern(word) else PixelName.parse(word) for word in words]
    listing = pixels.list()
    plain = [each for each in listing if with_bases or (each.metadata.base is None and each.metadata.gateway is None)]
    if everything:
        return Targets(plain, [])
    found: dict[str, Container] = {}
    unmatched = []
    for word in wanted:
        matching = matches(plain if is_pattern(word) else listing, word)
        if not matching:
            unmatched.append(missing(pixels, word))
        found.update((each.name, each) for each in matching)
    return Targets(list(found.values()), unmatched)


def matches(listing: t.Iterable[Container], word: str) -> list[Container]:
    """Return the pixels of a listing that match a full name or a pattern."""
    if not is_pattern(word):
        return [each for each in listing if each.name == word]
    import fnmatch

    pattern = word.removeprefix(PREFIX)
    return [each for each in listing if fnmatch.fnmatchcase(each.name.bare, pattern)]


def missing(pixels: Pixels, word: str) -> NotFound:
    """Return the error for a name or pattern without a pixel."""
    if is_pattern(word):
        return NotFound(f"no pixel on {pixels.nas} matches {word!r}")
    return NotFound(f"there is no pixel named {word.removeprefix(PREFIX)} on {pixels.nas}")
