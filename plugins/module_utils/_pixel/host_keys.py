# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSH host keys of pixels: pinned at first sight, checked ever after, forgotten with the container.

Kept as an OpenSSH known_hosts file under an alias that names container and NAS, never an address: addresses are handed
out again, and a key must not follow them.
"""

from __future__ import annotations

import fcntl
import os
import typing as t
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._pixel import home


def default_path() -> Path:
    """C($XDG_STATE_HOME/pixels/known_hosts), or the same under C(~/.local/state)."""
    return Path(home.folder("XDG_STATE_HOME", ".local", "state")) / "pixels" / "known_hosts"


def alias(container: str, nas: str) -> str:
    """The name a container's keys are kept under; for OpenSSH's HostKeyAlias as well."""
    return f"{container}.{nas.replace(':', '.')}.pixels".lower()


class HostKeys:
    """One known_hosts file; safe to use from several processes at once."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_path()

    def find(self, name: str) -> dict[str, str]:
        """Pinned keys of an alias: base64 key by its type."""
        return {kind: key for host, kind, key in self._entries() if host == name}

    def pin(self, name: str, kind: str, key: str) -> None:
        """Remember a key of an alias, beside others it has."""
        with self._changing() as entries:
            if (name, kind, key) not in entries:
                entries.append((name, kind, key))

    def forget(self, name: str) -> None:
        """Drop every key of an alias; a name nothing is known of is no error."""
        if not self.find(name):
            return
        with self._changing() as entries:
            entries[:] = [entry for entry in entries if entry[0] != name]

    def _entries(self) -> list[tuple[str, str, str]]:
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        fields = (line.split() for line in lines)
        return [(each[0], each[1], each[2]) for each in fields if len(each) >= 3 and not each[0].startswith("#")]

    @contextmanager
    def _changing(self) -> t.Iterator[list[tuple[str, str, str]]]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.path.with_suffix(".lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            entries = self._entries()
            yield entries
            self._write(entries)

    def _write(self, entries: t.Sequence[tuple[str, str, str]]) -> None:
        """All or nothing: a full disk or a crash leaves the file as it was."""
        new = self.path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.writelines(" ".join(entry) + "\n" for entry in entries)
        new.replace(self.path)
