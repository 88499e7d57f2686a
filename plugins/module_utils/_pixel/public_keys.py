# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The public half of the key that logs in to pixels."""

from __future__ import annotations

import os

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.login import DEFAULT_KEY


def path_beside(private_key: str | None) -> str:
    """Where the public half is: beside the private one."""
    return f"{private_key or DEFAULT_KEY}.pub"


def read(path: str) -> str:
    """A line for authorized_keys. Raises C(Invalid) for a file that has none."""
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            key = file.read().strip()
    except OSError as error:
        raise invalid(
            f"the public key {path} cannot be read ({error.strerror}): name one with public_key_file"
        ) from error
    if not key:
        raise invalid(f"the public key file {path} is empty")
    if "PRIVATE KEY" in key:
        raise invalid(f"{path} is a private key: name the public half, which ends in .pub")
    return key


def invalid(problem: str) -> Invalid:
    return Invalid(f"cannot provision: {problem}", fields=(("provision", problem),))
