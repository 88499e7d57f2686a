# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes on pixels: which fleet one belongs to, who owns it, and labels; checked before the NAS refuses them."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid

# The virt generation keeps them as environment variables, whose names allow this (api/v25_*/virt_instance.py).
NAME = re.compile(r"\w+", re.ASCII)
LONGEST = 1024


def check_note(option: str, value: str) -> str:
    """A note as it can be kept. Raises C(Invalid)."""
    if not value.strip() or len(value) > LONGEST:
        raise refused(option, f"{value[:20]!r}", f"a text of 1 to {LONGEST} characters that are not all blank")
    return value


def check_labels(labels: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Labels as they can be kept. Raises C(Invalid)."""
    for name in labels:
        if not NAME.fullmatch(str(name)):
            raise refused("labels", f"the name {name!r}", "letters, digits and underscores")
    return {str(name): check_note("labels", str(value)) for name, value in labels.items()}


def refused(option: str, what: str, wanted: str) -> Invalid:
    return Invalid(f"{option}: {what} cannot be kept on the NAS; it takes {wanted}", fields=((option, wanted),))
