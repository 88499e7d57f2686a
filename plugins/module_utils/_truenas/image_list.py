# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List the images that a NAS can create containers from.

TrueNAS 25.04 and 25.10 list products of images.linuxcontainers.org by their first alias, without the variant `cloud`
and without builds (`virt.instance.image_choices`). TrueNAS 26 lists names with builds for all architectures and
variants (`container.image.query_registry`), and keeps the builds that it has downloaded as datasets.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    NotFound,
    NotPermitted,
    PixelsError,
    Refused,
)
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import image_registry, values
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.image_alias import parts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.listed_image import CachedBuild, ListedImage
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.snapshots import RoleErrors

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.values import Warn
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.wire import Wire

WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
"""A valid operating system, release, variant or architecture. The NAS distinguishes upper and lower case."""
BUILD = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:-]{0,63}")

LISTING_TIMEOUT_S = 20.0
"""For a list that only improves a message. TrueNAS 25.04 and 25.10 download it for each call."""

UNKNOWN = "The requested image couldn't be found"
"""The error of Incus 6.0 for an alias that the image server does not have; it has no error code."""


def from_choices(wire: Wire, warn: Warn, *, timeout: float | None = None) -> list[ListedImage]:
    """Return the images for containers of TrueNAS 25.04 and 25.10, sorted by name."""
    found = []
    for key, row in wire.read("virt.instance.image_choices", timeout=timeout).items():
        if "CONTAINER" not in row["instance_types"]:
            continue
        # The key is the name that Incus understands, which is not always that of the operating system.
        words = parts(key) if "/" in key else (row["os"].lower(), row["release"], row["variant"])
        architectures = tuple(sorted(set(row["archs"])))
        if not all(map(WORD.fullmatch, (*words, *architectures))):
            warn(f"ignored an image of {wire.nas} with the invalid name {values.quoted(key)}")
            continue
        found.append(ListedImage(words[0], words[1], words[2], architectures))
    return sorted(found, key=lambda image: image.name)


def from_registry(wire: Wire, pools: t.Sequence[str], warn: Warn, *, timeout: float | None = None) -> list[ListedImage]:
    """Return the images of TrueNAS 26, sorted by name, with the builds that are on these pools."""
    with RoleErrors(image_registry.READ):
        rows = wire.read("container.image.query_registry", timeout=timeout)
    builds: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for row in rows:
        words = row["name"].split(":")
        versions = sorted(each["version"] for each in row["versions"] or ())
        if len(words) != 4 or not all(map(WORD.fullmatch, words)) or not all(map(BUILD.fullmatch, versions)):
            warn(f"ignored an image of {wire.nas} with the invalid name {values.quoted(row['name'])}")
        elif versions:
            os, release, architecture, variant = words
            builds.setdefault((os, release, variant), {})[architecture] = versions
    cached = downloaded(wire, pools)
    found = [
        ListedImage(
            *(os, release, variant, tuple(sorted(by_architecture))),
            builds=tuple(by_architecture.get(image_registry.ARCHITECTURE, ())),
            cached=None
            if cached is None
            else tuple(cached.get(f"{os}:{release}:{image_registry.ARCHITECTURE}:{variant}", ())),
        )
        for (os, release, variant), by_architecture in builds.items()
    ]
    return sorted(found, key=lambda image: image.name)


def downloaded(wire: Wire, pools: t.Sequence[str]) -> dict[str, list[CachedBuild]] | None:
    """Return the downloaded builds by the name of their image; None if the account cannot read them.

    TrueNAS 26 keeps a build as the dataset `POOL/.truenas_containers/images/NAME:BUILD` (middleware
    plugins/container/image.py).
    """
    found: dict[str, list[CachedBuild]] = {}
    for pool in pools:
        parent = f"{pool}/.truenas_containers/images"
        try:
            rows = wire.read("zfs.resource.query", {"paths": [parent], "properties": None, "get_children": True})
        except NotPermitted:
            return None
        except (NotFound, Invalid):
            # No container was created on this pool yet.
            continue
        for row in rows:
            name, _colon, build = row["name"].removeprefix(f"{parent}/").rpartition(":")
            # The build itself has a colon, as in `20260820_07:42`.
            name, _colon, date = name.rpartition(":")
            if name.count(":") == 3 and BUILD.fullmatch(f"{date}:{build}"):
                found.setdefault(name, []).append(CachedBuild(pool, f"{date}:{build}"))
    return found


def missing(nas: str, alias: str, images: t.Iterable[ListedImage], where: str) -> Invalid | None:
    """Return the error, with similar names, for an image that is not among these; None if it is."""
    names = [name for image in images for name in image.registry_names]
    if image_registry.find(alias, names) is not None:
        return None
    architecture = image_registry.architecture_of(alias)
    problem = f"{where} has no such image for {architecture}{image_registry.suggestions(alias, names)}"
    return Invalid.in_field("image", f"{nas} has no image {alias}", problem)


def unknown_image(wire: Wire, error: Refused, alias: str) -> Invalid | None:
    """Return an error with similar names if a creation failed because Incus does not know the image; else None."""
    if UNKNOWN not in str(error):
        return None
    try:
        images = from_choices(wire, values.ignore, timeout=LISTING_TIMEOUT_S)
    except PixelsError:
        return None
    return missing(wire.nas, alias, images, "images.linuxcontainers.org")
