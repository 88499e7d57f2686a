# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep one text for each pixel of a NAS in a file of the user's cache directory."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api import atomic_file
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._api.sha256 import sha256
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import user_dirs


class PixelRecords:
    """A file with one text for each pixel of a NAS. Failures to read or write it, and invalid texts, are ignored."""

    KIND = ""
    """Prefix of the file name."""

    def __init__(self, nas: str, *, directory: str | None = None) -> None:
        # The name of a NAS may contain a colon or a bracket.
        name = sha256(nas.lower().encode()).hexdigest()[:16]
        self.path = os.path.join(directory or user_dirs.writable_cache(), f"{self.KIND}-{name}.json")

    def text(self, pixel: str) -> str | None:
        """Return the text of a pixel by its full name; None if there is none."""
        return self._read().get(pixel)

    def set_text(self, pixel: str, text: str) -> None:
        """Set the text of a pixel."""
        if self.text(pixel) != text:
            self._change(lambda known: known.update({pixel: text}))

    def forget(self, pixel: str) -> None:
        """Remove the text of a pixel, which is stopped or gone, or whose address another machine has."""
        if self.text(pixel) is not None:
            self._change(lambda known: known.pop(pixel, None))

    def _read(self) -> dict[str, str]:
        try:
            with open(self.path, encoding="utf-8") as file:
                known = json.load(file)
        except (OSError, ValueError):
            return {}
        if not isinstance(known, dict):
            return {}
        return {name: text for name, text in known.items() if self.is_valid(text)}

    def is_valid(self, value: object) -> bool:
        """Return whether a value of the file, which may be damaged or changed, is valid."""
        return isinstance(value, str)

    def _change(self, change: t.Callable[[dict[str, str]], t.Any]) -> None:
        """Change the file atomically, one process at a time. Failures such as a full disk are ignored."""
        with contextlib.suppress(OSError, Refused):
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            with open(f"{self.path}.lock", "a", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                known = self._read()
                change(known)
                atomic_file.replace(self.path, json.dumps(known).encode())
