# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where pixels were when they were last seen, so that entering one need not ask the NAS first.

An address is handed out again when its pixel is gone. So it is believed only of a pixel whose SSH host key is pinned,
and only while what answers there has that key; who uses it must check both, and forget the address when either fails.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import home


def default_folder() -> str:
    """C($XDG_CACHE_HOME/pixels), or the same under C(~/.cache)."""
    return os.path.join(home.folder("XDG_CACHE_HOME", ".cache"), "pixels")


class Addresses:
    """One file for each NAS; what cannot be read or written, or makes no sense, is as if nothing was ever seen."""

    def __init__(self, nas: str, *, folder: str | None = None) -> None:
        # The name of a NAS may have a colon or a bracket.
        name = hashlib.sha256(nas.lower().encode()).hexdigest()[:16]
        self.path = os.path.join(folder or default_folder(), f"addresses-{name}.json")

    def find(self, pixel: str) -> str | None:
        """The address of a pixel, by its full name; None when nothing is known."""
        return self._read().get(pixel)

    def note(self, pixel: str, address: str) -> None:
        """Remember where a pixel is."""
        if self.find(pixel) != address:
            self._change(lambda known: known.update({pixel: address}))

    def forget(self, pixel: str) -> None:
        """It is stopped, or gone, or somebody else answers there."""
        if self.find(pixel) is not None:
            self._change(lambda known: known.pop(pixel, None))

    def _read(self) -> dict[str, str]:
        try:
            with open(self.path, encoding="utf-8") as file:
                known = json.load(file)
        except (OSError, ValueError):
            return {}
        if not isinstance(known, dict):
            return {}
        return {name: address for name, address in known.items() if isinstance(address, str)}

    def _change(self, change: t.Callable[[dict[str, str]], t.Any]) -> None:
        """All or nothing, and one process at a time; a full disk must not fail who only wanted to run a command."""
        folder = os.path.dirname(self.path)
        with contextlib.suppress(OSError):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            with open(f"{self.path}.lock", "a", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                known = self._read()
                change(known)
                # Made for its owner alone.
                descriptor, new = tempfile.mkstemp(dir=folder, prefix="addresses-", suffix=".new")
                with open(descriptor, "w", encoding="utf-8") as file:
                    json.dump(known, file)
                os.replace(new, self.path)
