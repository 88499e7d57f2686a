# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of pixels: the bare name users say, and the full one the container has on the NAS."""

from __future__ import annotations

import re

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid

PREFIX = "px-"

# Incus' own rule for instance names, prefix included (lxc/incus shared/validate, IsHostname).
LONGEST = 63
ALLOWED = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")


def bare_name(name: str) -> str:
    """What users call it: C(px-web) and C(web) are both C(web)."""
    return name.removeprefix(PREFIX)


def full_name(name: str) -> str:
    """What the NAS calls it: C(px-web) for C(web) and for C(px-web).

    Raises C(Invalid) for a name Incus would refuse.
    """
    bare = bare_name(name)
    if not ALLOWED.fullmatch(bare):
        problem = "letters, digits and dashes only, and no dash at either end"
    elif len(PREFIX + bare) > LONGEST:
        problem = f"at most {LONGEST - len(PREFIX)} characters"
    else:
        return PREFIX + bare
    raise Invalid(f"{name!r} cannot be the name of a pixel: {problem}", fields=(("name", problem),))
