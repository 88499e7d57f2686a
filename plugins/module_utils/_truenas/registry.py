# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which image of the registry of TrueNAS 26 an alias such as C(ubuntu/24.04) means, and which build of it.

The registry lists C(ubuntu:noble:amd64:default) with the few builds that are kept, for all architectures and variants.
It knows neither aliases nor a latest build.
"""

from __future__ import annotations

import difflib
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.aliases import (
    ARCHITECTURES,
    CODENAMES,
    USUAL_VARIANT,
    parts,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import NamingTheRole

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

# The only one TrueNAS is made for; nothing an account without further roles may ask says so.
ARCHITECTURE = "amd64"

# 26 asks for the right to change images where 27 asks for the one to read them, which it includes.
READ = ("CONTAINER_IMAGE_WRITE",)

NEAR = 5
"""How many names an error offers."""


class Build(t.NamedTuple):
    """What TrueNAS wants to be told of an image."""

    name: str
    version: str

    def argument(self) -> dict[str, str]:
        return {"name": self.name, "version": self.version}


def newest(wire: Wire, alias: str) -> Build:
    """The newest build of an image, as it is listed now. Raises C(Invalid), naming what is nearly called so."""
    with NamingTheRole(READ):
        rows = wire.read("container.image.query_registry")
    builds = {row["name"]: [each["version"] for each in row["versions"]] for row in rows if row["versions"]}
    name = find(alias, builds)
    if name is None:
        problem = f"the registry has no such image for {architecture_of(alias)}{nearly(alias, builds)}"
        raise Invalid(f"{wire.nas} has no image {alias}: {problem}", fields=(("image", problem),))
    # C(20260820_07:42): their order is that of time.
    return Build(name, max(builds[name]))


def find(alias: str, known: t.Iterable[str]) -> str | None:
    """The name in the registry; None where there is none, or where it cannot be told which is meant."""
    known = list(known)
    if alias in known:
        return alias
    os, release, variant = parts(alias.lower())
    like = [name.split(":") for name in known if name.count(":") == 3]
    same = [each for each in like if each[0] == os and each[2] == architecture_of(alias) and each[3] == variant]
    if release:
        same = [each for each in same if each[1] in other_words(os, release)]
    return ":".join(same[0]) if len(same) == 1 else None


def other_words(os: str, release: str) -> set[str]:
    """A release as its number and as its name."""
    numbers = CODENAMES.get(os, {})
    names = {name: number for number, name in numbers.items()}
    return {release, numbers.get(release, release), names.get(release, release)}


def architecture_of(alias: str) -> str:
    last = alias.lower().rpartition("/")[2]
    return last if last in ARCHITECTURES else ARCHITECTURE


def nearly(alias: str, known: t.Iterable[str]) -> str:
    """What may have been meant, as the end of a sentence: the same system first."""
    there = sorted({shown for name in known if (shown := as_alias(name, architecture_of(alias)))})
    os, release, _variant = parts(alias.lower())
    same = [each for each in there if each.split("/")[0] == os]
    words = {word: each for each in there for word in (each, *with_number(each))}
    close = [words[each] for each in difflib.get_close_matches(alias.lower(), words, n=NEAR, cutoff=0.6)]
    listed = list(dict.fromkeys([*(each for each in close if each in same), *same, *close]))[:NEAR]
    if same and not release:
        return f": say which release, {' or '.join(same[:NEAR])}"
    return f"; near to it are {', '.join(listed)}" if listed else "; write it as ubuntu/24.04 or debian/bookworm"


def with_number(alias: str) -> list[str]:
    """The same with the number of its release, where that has a name."""
    os, release, *rest = alias.split("/")
    return ["/".join([os, word, *rest]) for word in sorted(other_words(os, release)) if word != release]


def as_alias(name: str, architecture: str) -> str | None:
    """A name of the registry as people write it; None for those of another architecture."""
    words = name.split(":")
    if len(words) != 4 or words[2] != architecture:
        return None
    os, release, _architecture, variant = words
    return f"{os}/{release}" if variant == USUAL_VARIANT else f"{os}/{release}/{variant}"
