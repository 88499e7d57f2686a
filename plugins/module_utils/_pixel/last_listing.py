# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels of a NAS as they were when it last answered, for when it does not."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import home

Listing = list[dict[str, t.Any]]


def default_folder() -> Path:
    """C($XDG_CACHE_HOME/pixels), or the same under C(~/.cache)."""
    return Path(home.folder("XDG_CACHE_HOME", ".cache")) / "pixels"


def identity(nas: str, username: str) -> str:
    """Whose pixels a listing has, as a part of a file's name; a name made of both would not always be fit for that."""
    return hashlib.sha256(f"{username}@{nas}".encode()).hexdigest()[:16]


class LastListing:
    """One file for each NAS and account; others cannot read it. What cannot be read or written is as if never seen."""

    def __init__(self, nas: str, username: str, *, folder: Path | None = None) -> None:
        self.path = (folder or default_folder()) / f"listing-{identity(nas, username)}.json"

    def read(self) -> Listing | None:
        try:
            listing = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return listing if isinstance(listing, list) else None

    def write(self, listing: Listing) -> None:
        """All or nothing; a full disk must not fail who only wanted to list."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Made for its owner alone.
            descriptor, new = tempfile.mkstemp(dir=self.path.parent, prefix="listing-")
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(listing, file)
            os.replace(new, self.path)
        except OSError:
            return
