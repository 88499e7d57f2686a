# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where and as whom to log in to a pixel, whatever does it."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names

DEFAULT_KEY = "~/.ssh/id_ed25519"


@dataclass(frozen=True)
class Login:
    """Where and as whom to log in."""

    pixel: str
    """Full name of the container."""
    nas: str
    address: str
    port: int = 22
    user: str = "root"
    key_file: str | None = None
    """Private key; None tries the keys of the SSH agent, then ~/.ssh/id_ed25519."""

    def __str__(self) -> str:
        port = "" if self.port == 22 else f" port {self.port}"
        return f"{names.bare_name(self.pixel)} on {self.nas} ({self.user}@{self.address}{port})"
