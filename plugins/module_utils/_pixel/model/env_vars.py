# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate the environment variables of a container."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.virt_rows import METADATA_PREFIX

NAME = re.compile(r"\w[\w/]*")
MAX_LENGTH = 1024
"""Rules of TrueNAS 25.04 and 25.10 (api/v25_*/virt_instance.py)."""


def check(variables: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return variables as strings. Raises `Invalid` for one that TrueNAS does not accept, or that is metadata."""
    texts = {str(name): str(value) for name, value in variables.items()}
    for name, value in texts.items():
        if not NAME.fullmatch(name):
            raise refused(f"invalid name {name!r}: use letters, digits, underscores and slashes")
        if name.startswith(METADATA_PREFIX):
            raise refused(f"{name} is reserved for metadata: use the options fleet, owner and labels")
        # Values may be secrets and are never shown.
        if not value.strip():
            raise refused(f"{name} is blank, which TrueNAS does not accept: remove it")
        if len(value) > MAX_LENGTH:
            raise refused(f"{name} is longer than {MAX_LENGTH} characters")
    return texts


def refused(problem: str) -> Invalid:
    """Return the error."""
    return Invalid.in_field("environment", "environment", problem)
