# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment variables of a pixel; checked before the NAS refuses them, or takes them for notes."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.virt import MARK

# As the virt generation has it (api/v25_*/virt_instance.py).
NAME = re.compile(r"\w[\w/]*")
LONGEST = 1024


def check(variables: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Variables as they can be kept. Raises C(Invalid)."""
    texts = {str(name): str(value) for name, value in variables.items()}
    for name, value in texts.items():
        if not NAME.fullmatch(name):
            raise refused(f"the name {name!r} is made of other things than letters, digits, underscores and slashes")
        if name.startswith(MARK):
            raise refused(f"{name} is where notes are kept: use the options fleet, owner and labels")
        # No value is shown: it may be a secret.
        if not value.strip():
            raise refused(f"{name} is empty or blank, which TrueNAS does not keep: leave it out")
        if len(value) > LONGEST:
            raise refused(f"{name} is longer than {LONGEST} characters")
    return texts


def refused(problem: str) -> Invalid:
    return Invalid(f"environment: {problem}", fields=(("environment", problem),))
