# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a container was made from the image that is asked for.

TrueNAS forgets the alias (C(ubuntu/24.04)) and keeps what the image says of itself: C(Ubuntu), C(noble), C(default). So
the alias is noted when a pixel is made; of other containers, and of other aliases for the same image, that has to do.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._truenas.aliases import CODENAMES, parts

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Image

FINGERPRINT = re.compile(r"[0-9a-f]{12,64}")


def differs(image: Image, asked: str, noted: str | None = None) -> bool:
    """Whether the container is surely of another image; what cannot be told is taken to be the same.

    C(noted) is the alias it was made from, as far as that is known.
    """
    asked = asked.lower()
    os = image.os.lower()
    if noted and noted.lower() == asked:
        return False
    if "/" not in asked:
        # A fingerprint, or a name that somebody gave: it can only be compared with another one.
        alike = not noted or asked == os or is_fingerprint(asked) != is_fingerprint(noted)
        return not alike
    if not os:
        return False
    asked_os, release, variant = parts(asked)
    if asked_os != os:
        return True
    if image.variant and image.variant.lower() != variant:
        return True
    return bool(image.release) and other_release(os, release, image.release.lower())


def other_release(os: str, asked: str, found: str) -> bool:
    """Whether they are surely two; either may be a number or a name."""
    if asked == found:
        return False
    known = CODENAMES.get(os, {})
    if is_number(asked) != is_number(found) and {asked, found}.isdisjoint({*known, *known.values()}):
        return False
    return known.get(asked, asked) != known.get(found, found)


def is_number(release: str) -> bool:
    return release[:1].isdigit()


def is_fingerprint(alias: str) -> bool:
    return FINGERPRINT.fullmatch(alias.lower()) is not None
