# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate the metadata of a pixel: its fleet, its owner and its labels."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid

NAME = re.compile(r"\w+", re.ASCII)
MAX_LENGTH = 1024
"""TrueNAS 25.04 and 25.10 store metadata as environment variables, with these rules (api/v25_*/virt_instance.py)."""


def check_text(option: str, value: str) -> str:
    """Return a fleet, an owner or the value of a label. Raises `Invalid` if the NAS cannot store it."""
    if not value.strip() or len(value) > MAX_LENGTH:
        raise refused(option, f"value {value[:20]!r}", f"use 1 to {MAX_LENGTH} characters that are not all blank")
    return value


def check_labels(labels: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return labels as strings. Raises `Invalid` for one that the NAS cannot store."""
    for name in labels:
        if not NAME.fullmatch(str(name)):
            raise refused("labels", f"name {name!r}", "use letters, digits and underscores")
    return {str(name): check_text("labels", str(value)) for name, value in labels.items()}


def refused(option: str, what: str, rule: str) -> Invalid:
    """Return the error."""
    return Invalid.in_field(option, f"{option}: invalid {what}", rule)
