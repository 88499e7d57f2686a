# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the public half of the key for SSH logins to pixels."""

from __future__ import annotations

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import DEFAULT_KEY
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import text_file


def path_beside(private_key: str | None) -> str:
    """Return the path of the public half, which is beside the private key."""
    return f"{private_key or DEFAULT_KEY}.pub"


def read(path: str) -> str:
    """Return the content of a public key file, a line for authorized_keys. Raises `Invalid` for any other file."""
    try:
        key = text_file.read(path)
    except OSError as error:
        raise unreadable(path, str(error.strerror)) from error
    except ValueError as error:
        raise unreadable(path, str(error)) from None
    if not key:
        raise invalid(f"the public key file {path} is empty")
    if "PRIVATE KEY" in key:
        raise invalid(f"{path} is a private key: name the public half, which ends in .pub")
    return key


def unreadable(path: str, reason: str) -> Invalid:
    """Return the error for a public key file that cannot be read."""
    return invalid(f"the public key {path} cannot be read ({reason})").with_hints(Hint.option("public_key_file"))


def invalid(problem: str) -> Invalid:
    """Return the error for a public key that cannot be used."""
    return Invalid.in_field("provision", "cannot provision", problem)
