# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name the groups of the inventory, and determine the groups of each pixel."""

from __future__ import annotations

import datetime
import hashlib
import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model import lifetime

Pixel = t.Mapping[str, t.Any]
"""A pixel as `serialize.container` returns it."""

INVALID_CHARACTERS = re.compile(r"\W+", re.ASCII)
LETTER_OR_DIGIT = re.compile(r"[A-Za-z0-9]")

MAX_LENGTH = 200
"""Characters. A group name is also a file name in `group_vars`, which file systems limit to 255 bytes."""


def group_name(*words: str) -> str:
    """Return a group name that Ansible accepts, such as `pixels_image_ubuntu_24_04`.

    A word without an ASCII letter or digit becomes a fingerprint, so that two such words get different names. The end
    of a name that is too long becomes a fingerprint for the same reason.
    """
    name = INVALID_CHARACTERS.sub("_", "_".join(["pixels", *map(legible, words)])).strip("_").lower()
    if len(name) <= MAX_LENGTH:
        return name
    end = fingerprint("\n".join(words))
    return f"{name[: MAX_LENGTH - len(end) - 1]}_{end}"


def legible(word: str) -> str:
    """Return a word, or its fingerprint if it has no ASCII letter or digit."""
    return word if LETTER_OR_DIGIT.search(word) or not word else f"x{fingerprint(word)}"


def fingerprint(text: str) -> str:
    """Return eight hexadecimal digits that depend on a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


class Membership(t.NamedTuple):
    """A group that a pixel is in, and the value that the group stands for."""

    group: str
    source: str
    """Such as `label role=builder`."""


def memberships(pixel: Pixel) -> list[Membership]:
    """Return the groups of a pixel by status, image, fleet, owner and label."""
    image = pixel["image"]
    found = [Membership(group_name("status", pixel["status"]), f"status {pixel['status']}")]
    os, release = str(image["os"]).lower(), str(image["release"]).lower()
    if os:
        found.append(Membership(group_name("image", os), f"image {os}"))
        if release:
            found.append(Membership(group_name("image", os, release), f"image {os} {release}"))
    found.extend(
        Membership(group_name(name, pixel[name]), f"{name} {pixel[name]}") for name in ("fleet", "owner") if pixel[name]
    )
    found.extend(
        Membership(group_name("label", name, value), f"label {name}={value}")
        for name, value in sorted(pixel["labels"].items())
    )
    # A cache that an earlier version wrote does not have it.
    end = lifetime.parse_time(pixel.get("expires"))
    if end and end <= datetime.datetime.now(datetime.UTC):
        found.append(Membership(group_name("expired"), "expired pixels"))
    return found


def shared_groups(found: t.Iterable[Membership]) -> dict[str, list[str]]:
    """Return the groups that stand for several values, with these."""
    sources: dict[str, set[str]] = {}
    for group, source in found:
        sources.setdefault(group, set()).add(source)
    return {group: sorted(values) for group, values in sorted(sources.items()) if len(values) > 1}


def nas_groups(names: t.Iterable[str]) -> dict[str, str]:
    """Return the group of each NAS.

    The variables of these groups hold credentials, so no two NAS share a group: the second one of the same name gets a
    fingerprint. The result depends on the order of the NAS only, not on which of them respond.
    """
    found: dict[str, str] = {}
    for nas in names:
        name = group_name("nas", nas)
        if nas not in found:
            found[nas] = f"{name}_{fingerprint(nas)}" if name in found.values() else name
    return found
