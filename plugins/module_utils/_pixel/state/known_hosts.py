# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pin the SSH host keys of pixels at the first connection, and remove them with the container.

The file is a `known_hosts` file of OpenSSH. Its entries have an alias made of the container and the NAS instead of an
address, because DHCP assigns addresses again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t
from pathlib import Path

from ansible_collections.pixels.truenas.plugins.module_utils._api import atomic_file
from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common import user_dirs
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import values

VARIABLE = "XDG_STATE_HOME"


def default_path() -> Path:
    """Return `$XDG_STATE_HOME/pixels/known_hosts`, or the same under `~/.local/state`."""
    return Path(user_dirs.directory(VARIABLE, ".local", "state")) / "pixels" / "known_hosts"


def alias(container: str, nas: str) -> str:
    """Return the name of a container's entries, which is also the value of OpenSSH's `HostKeyAlias`.

    OpenSSH ignores the case of names, so capitals get an underscore as prefix.
    """
    name = "".join(f"_{character}" if character.isupper() else character for character in container)
    return f"{name}.{nas.replace(':', '.')}.pixels".lower()


Entry = tuple[str, str, str]
"""Alias, type of the key, key in base64."""


class KnownHosts:
    """A `known_hosts` file, which several processes can use at the same time."""

    def __init__(self, path: Path | None = None, *, warn: values.Warn = values.ignore) -> None:
        """`warn` is called with a text if keys cannot be stored permanently."""
        self._warn = warn
        self._unsaved: list[Entry] = []
        self.path = path or (default_path() if os.environ.get(VARIABLE) else self._usable(default_path()))

    def _usable(self, path: Path) -> Path:
        """Return this path, or another one with the same keys if this one is not writable."""
        directory, problem = user_dirs.writable(str(path.parent), VARIABLE)
        if not problem:
            return path
        self._warn(f"cannot store the SSH host keys of pixels permanently: {problem}")
        other = Path(directory) / path.name
        with contextlib.suppress(OSError, Refused):
            known = set(atomic_file.read(other).splitlines())
            added = [line for line in path.read_bytes().splitlines() if line not in known]
            if added:
                atomic_file.replace(other, b"".join(line + b"\n" for line in [*sorted(known), *added]))
        return other

    def find(self, name: str) -> dict[str, str]:
        """Return the pinned keys of an alias, in base64 by type."""
        return {kind: key for host, kind, key in [*self._entries(), *self._unsaved] if host == name}

    def pin(self, name: str, kind: str, key: str) -> None:
        """Add a key of an alias. If the file is not writable, only this process knows it."""
        try:
            with self._changing() as lines:
                if (name, kind, key) not in map(entry, lines):
                    if lines and not lines[-1].endswith("\n"):
                        lines[-1] += "\n"
                    lines.append(f"{name} {kind} {key}\n")
        except Refused as error:
            self._unsaved.append((name, kind, key))
            self._warn(f"cannot store the SSH host key of {name}: {error}")

    def replace(self, name: str, keys: t.Mapping[str, str]) -> None:
        """Replace all keys of an alias by these, in base64 by type, in one write."""
        with self._changing() as lines:
            lines[:] = [line for line in lines if entry(line)[0] != name]
            if lines and not lines[-1].endswith("\n"):
                lines[-1] += "\n"
            lines.extend(f"{name} {kind} {key}\n" for kind, key in keys.items())

    def forget(self, name: str) -> None:
        """Remove all keys of an alias, if there are any."""
        if not self.find(name):
            return
        self._unsaved = [unsaved for unsaved in self._unsaved if unsaved[0] != name]
        try:
            with self._changing() as lines:
                lines[:] = [line for line in lines if entry(line)[0] != name]
        except Refused as error:
            self._warn(f"cannot remove the old SSH host keys of {name}: {error}, and remove its lines from the file")

    def make_directory(self) -> None:
        """Create the directory of the file, in which `ssh` writes too. Raises `Refused` if that fails."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> Refused:
        problem = f"cannot write {self.path}: {error.strerror or error}"
        return Refused(f"{problem}. Set {VARIABLE} to a directory that can be written")

    def _entries(self) -> list[Entry]:
        return [found for line in self._lines() if any(found := entry(line))]

    def _lines(self) -> list[str]:
        """Return the lines with their ends, so that lines of OpenSSH and of the user can be written back unchanged."""
        if not self.path.parent.is_dir():
            return []
        return [os.fsdecode(line) for line in atomic_file.read(self.path).splitlines(keepends=True)]

    @contextlib.contextmanager
    def _changing(self) -> t.Iterator[list[str]]:
        """Yield the lines, and write changes to them; one process at a time."""
        self.make_directory()
        try:
            lock = open(self.path.with_suffix(".lock"), "w", encoding="utf-8")  # noqa: SIM115 (closed below)
        except OSError as error:
            raise self._unwritable(error) from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lines = self._lines()
            before = list(lines)
            yield lines
            if lines != before:
                atomic_file.replace(self.path, os.fsencode("".join(lines)))


def entry(line: str) -> Entry:
    """Return the host, the type and the key of a line; empty strings for a comment or an invalid line."""
    match line.split():
        case [host, kind, key, *_] if not host.startswith("#"):
            return host, kind, key
    return "", "", ""
