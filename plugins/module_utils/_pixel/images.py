# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a container was made from the image that is asked for.

TrueNAS forgets the alias (C(ubuntu/24.04)) and keeps what the image says of itself: C(Ubuntu), C(noble).
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Image

CODENAMES = {
    "debian": {"11": "bullseye", "12": "bookworm", "13": "trixie", "14": "forky"},
    "ubuntu": {
        "20.04": "focal",
        "22.04": "jammy",
        "24.04": "noble",
        "25.04": "plucky",
        "25.10": "questing",
        "26.04": "resolute",
    },
}


def differs(image: Image, asked: str) -> bool:
    """Whether the container is surely of another image; what cannot be told is taken to be the same.

    An image fingerprint, or an alias without a slash, says nothing that could be compared.
    """
    os, slash, rest = asked.lower().partition("/")
    if not slash or not image.os:
        return False
    if os != image.os.lower():
        return True
    release = rest.split("/")[0]
    known = CODENAMES.get(os, {})
    return bool(image.release) and known.get(release, release) != known.get(
        image.release.lower(), image.release.lower()
    )
