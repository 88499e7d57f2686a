# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of a pixel: the bare name, which users type, and the full name of its container on the NAS."""

from __future__ import annotations

import ipaddress
import re

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid

PREFIX = "px-"

MAX_LENGTH = 63
ALLOWED = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
"""The rule of Incus for instance names; the length counts the prefix (lxc/incus, shared/validate, IsHostname)."""


class PixelName(str):
    """The name of a pixel. As a string, it is the full name, which the NAS and the records on disk use."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> PixelName:
        """Return the name for both `web` and `px-web`. Raises `Invalid` for a name that Incus refuses."""
        bare = text.removeprefix(PREFIX)
        if not ALLOWED.fullmatch(bare):
            problem = "use letters, digits and dashes, and no dash at either end"
        elif len(PREFIX + bare) > MAX_LENGTH:
            problem = f"use at most {MAX_LENGTH - len(PREFIX)} characters"
        else:
            return cls(PREFIX + bare)
        raise Invalid.in_field("name", f"invalid pixel name {text!r}", problem)

    @property
    def bare(self) -> str:
        """The name without the prefix: `web`."""
        return self.removeprefix(PREFIX)

    @property
    def full(self) -> str:
        """The name of the container as a plain string, for serializers that accept no subclass: `px-web`."""
        return str(self)


def is_address(text: str) -> bool:
    """Return whether a text is an IP address, which cannot be the name of a pixel."""
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
