# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pixels are meant: names, patterns, or all of them."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import NotFound
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

WILD = set("*?[")


class Targets(t.NamedTuple):
    """The pixels that are there, and what was asked for that is not."""

    found: list[Container]
    missing: list[NotFound]


def is_pattern(word: str) -> bool:
    return not WILD.isdisjoint(word)


def find(pixels: Pixels, words: t.Sequence[str], *, everything: bool = False) -> Targets:
    """Pixels by names and patterns (C(agent-*)), each once, in the order they are asked for; or all of them.

    Raises C(Invalid) for a name that can be none.
    """
    if len(words) == 1 and not everything and not is_pattern(words[0]):
        one = pixels.find(words[0])
        return Targets([one], []) if one else Targets([], [missing(pixels, words[0])])
    wanted = [word if is_pattern(word) else names.full_name(word) for word in words]
    listing = pixels.list()
    if everything:
        return Targets(listing, [])
    found: dict[str, Container] = {}
    unmatched = []
    for word in wanted:
        matching = matches(listing, word)
        if not matching:
            unmatched.append(missing(pixels, word))
        found.update((each.name, each) for each in matching)
    return Targets(list(found.values()), unmatched)


def matches(listing: t.Iterable[Container], word: str) -> list[Container]:
    """The pixels of a listing that a full name or a pattern means."""
    if not is_pattern(word):
        return [each for each in listing if each.name == word]
    import fnmatch

    pattern = names.bare_name(word)
    return [each for each in listing if fnmatch.fnmatchcase(names.bare_name(each.name), pattern)]


def missing(pixels: Pixels, word: str) -> NotFound:
    if is_pattern(word):
        return NotFound(f"no pixel on {pixels.nas} is named like {word}")
    return NotFound(f"there is no pixel named {names.bare_name(word)} on {pixels.nas}")
