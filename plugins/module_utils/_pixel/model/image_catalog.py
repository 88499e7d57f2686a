# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Select images that a NAS can create pixels from, and convert them to results."""

from __future__ import annotations

import fnmatch
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.image_alias import names_of_release

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.listed_image import ListedImage

ALL = "all"
"""The value of `architecture` that selects all architectures."""


def select(
    images: t.Iterable[ListedImage],
    *,
    patterns: t.Sequence[str] = (),
    os: str | None = None,
    release: str | None = None,
    architecture: str = ALL,
) -> list[ListedImage]:
    """Return the images that meet all conditions. A pattern matches the name or an alias; case does not matter."""
    return [
        image
        for image in images
        if (os is None or image.os.lower() == os.lower())
        and (release is None or image.release.lower() in names_of_release(image.os.lower(), release.lower()))
        and (architecture == ALL or architecture.lower() in image.architectures)
        and (not patterns or any(matches(image, pattern.lower()) for pattern in patterns))
    ]


def matches(image: ListedImage, pattern: str) -> bool:
    """Return whether a pattern in lower case matches the name of an image or one of its aliases."""
    return any(fnmatch.fnmatchcase(name.lower(), pattern) for name in (image.name, *image.aliases))


def as_dict(image: ListedImage) -> dict[str, t.Any]:
    """Return an image as the modules and the command do."""
    return {
        "name": image.name,
        "aliases": list(image.aliases),
        "os": image.os,
        "release": image.release,
        "variant": image.variant,
        "architectures": list(image.architectures),
        "builds": list(image.builds),
        "cached": None if image.cached is None else [each._asdict() for each in image.cached],
    }
