# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the image, and its newest build, that an alias such as `ubuntu/24.04` means in the registry of TrueNAS 26.

The registry lists names such as `ubuntu:noble:amd64:default` for all architectures and variants, each with the few
builds that it keeps. It has neither aliases nor a latest build.
"""

from __future__ import annotations

import difflib
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.image_alias import (
    ARCHITECTURES,
    DEFAULT_VARIANT,
    names_of_release,
    parts,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import RoleErrors

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

ARCHITECTURE = "amd64"
"""The only architecture of TrueNAS. No method that every account may call reports it."""

READ = ("CONTAINER_IMAGE_WRITE",)
"""The role to list images on 26. It includes the role to read images, which 27 requires."""

MAX_SUGGESTIONS = 5


class Build(t.NamedTuple):
    """One build of an image."""

    name: str
    version: str

    def argument(self) -> dict[str, str]:
        """Return the `image` of `container.create`."""
        return {"name": self.name, "version": self.version}


def newest(wire: Wire, alias: str) -> Build:
    """Return the newest listed build of an image. Raises `Invalid` with similar names for an unknown one."""
    with RoleErrors(READ):
        rows = wire.read("container.image.query_registry")
    builds = {row["name"]: [each["version"] for each in row["versions"]] for row in rows if row["versions"]}
    name = find(alias, builds)
    if name is None:
        problem = f"the registry has no such image for {architecture_of(alias)}{suggestions(alias, builds)}"
        raise Invalid.in_field("image", f"{wire.nas} has no image {alias}", problem)
    # Versions such as `20260820_07:42` sort by time.
    return Build(name, max(builds[name]))


def find(alias: str, known: t.Iterable[str]) -> str | None:
    """Return the name in the registry; None if no name, or more than one, matches."""
    known = list(known)
    if alias in known:
        return alias
    os, release, variant = parts(alias.lower())
    # Some names, such as that of CentOS 9-Stream, have upper case letters.
    like = {name: name.lower().split(":") for name in known if name.count(":") == 3}
    same = [
        name
        for name, each in like.items()
        if (each[0], each[2], each[3]) == (os, architecture_of(alias), variant)
        and (not release or each[1] in names_of_release(os, release))
    ]
    return same[0] if len(same) == 1 else None


def architecture_of(alias: str) -> str:
    """Return the architecture in an alias, or the default."""
    last = alias.lower().rpartition("/")[2]
    return last if last in ARCHITECTURES else ARCHITECTURE


def suggestions(alias: str, known: t.Iterable[str]) -> str:
    """Return similar aliases as the end of an error message, those of the same operating system first."""
    aliases = sorted({shown for name in known if (shown := as_alias(name, architecture_of(alias)))})
    os, release, _variant = parts(alias.lower())
    same = [each for each in aliases if each.split("/")[0] == os]
    words = {word: each for each in aliases for word in (each, *with_number(each))}
    close = [words[each] for each in difflib.get_close_matches(alias.lower(), words, n=MAX_SUGGESTIONS, cutoff=0.6)]
    listed = list(dict.fromkeys([*(each for each in close if each in same), *same, *close]))[:MAX_SUGGESTIONS]
    if same and not release:
        return f". Specify a release: {' or '.join(same[:MAX_SUGGESTIONS])}"
    return (
        f". Similar images: {', '.join(listed)}" if listed else ". Use a form such as ubuntu/24.04 or debian/bookworm"
    )


def with_number(alias: str) -> list[str]:
    """Return the alias with the other names of its release."""
    os, release, *rest = alias.split("/")
    return ["/".join([os, word, *rest]) for word in sorted(names_of_release(os, release)) if word != release]


def as_alias(name: str, architecture: str) -> str | None:
    """Return a name of the registry as an alias; None for another architecture."""
    words = name.split(":")
    if len(words) != 4 or words[2] != architecture:
        return None
    os, release, _architecture, variant = words
    return f"{os}/{release}" if variant == DEFAULT_VARIANT else f"{os}/{release}/{variant}"
