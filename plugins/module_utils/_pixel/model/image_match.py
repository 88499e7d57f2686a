# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the image of a container with an image alias.

TrueNAS does not store the alias (`ubuntu/24.04`), only what the image says about itself: `Ubuntu`, `noble`, `default`.
Pixels have the alias in their metadata; other containers, and other aliases, are compared by what TrueNAS stores.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.image_alias import CODENAMES, parts

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Image

FINGERPRINT = re.compile(r"[0-9a-f]{12,64}")


def differs(image: Image, alias: str, recorded: str | None = None) -> bool:
    """Return whether a container certainly has another image than the alias; False if that is unknown.

    `recorded` is the alias in the metadata of the container, if there is one.
    """
    alias = alias.lower()
    os = image.os.lower()
    if recorded and recorded.lower() == alias:
        return False
    if "/" not in alias:
        # A fingerprint, or a name that the user gave the image: only comparable with one of the same kind.
        may_be_same = not recorded or alias == os or is_fingerprint(alias) != is_fingerprint(recorded)
        return not may_be_same
    if not os:
        return False
    alias_os, release, variant = parts(alias)
    if alias_os != os:
        return True
    if image.variant and image.variant.lower() != variant:
        return True
    return bool(image.release) and other_release(os, release, image.release.lower())


def other_release(os: str, first: str, second: str) -> bool:
    """Return whether two releases certainly differ; each may be a number or a code name."""
    if first == second:
        return False
    known = CODENAMES.get(os, {})
    if is_number(first) != is_number(second) and {first, second}.isdisjoint({*known, *known.values()}):
        return False
    return known.get(first, first) != known.get(second, second)


def is_number(release: str) -> bool:
    """Return whether a release is a number, not a code name."""
    return release[:1].isdigit()


def is_fingerprint(alias: str) -> bool:
    """Return whether an alias is the fingerprint of an image, or its beginning."""
    return FINGERPRINT.fullmatch(alias.lower()) is not None
