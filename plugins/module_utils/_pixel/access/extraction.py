# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A local directory that is filled with untrusted entries from a pixel: nothing is written outside of it."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import typing as t

DEPTH_LIMIT = 256
"""Levels of nested directories. Removing them takes a few nested calls for each level."""

ENTRY_LIMIT = 1_000_000
"""Files, directories and links in one transfer. Each takes memory on the controller."""

LINK_LIMIT = 200_000
"""Symlinks and hard links in one transfer. They cost a pixel next to nothing, and the controller some CPU time each."""

TARGET_LIMIT_BYTES = 4095
"""Length of the target of a symlink: PATH_MAX of Linux, without the final zero byte."""

HOP_LIMIT = 40
"""Symlinks that are followed to resolve a path, as in Linux (path_resolution(7))."""

FREE_STEPS = 200_000
STEPS_PER_LINK = 32
"""Components that the targets of all symlinks in one transfer may have: so many, and more for each symlink."""


class UnsafeEntry(Exception):
    """An entry must not be written; the text says why."""


class ExtractionDir:
    """A directory that is filled entry by entry, each after its parent.

    Symlinks are created last, so that nothing is written through one.
    """

    def __init__(self, root: str) -> None:
        """`root` is an empty directory that no other user can enter."""
        self._root = root
        self._modes: dict[str, int] = {}
        """Modes of the directories by path. They are set last, because a directory must stay writable until then."""
        self._symlinks: dict[str, str] = {}
        self._files: set[str] = set()
        self._hard_links = 0
        self._resolved: dict[str, tuple[str, int]] = {}
        """By the path of a symlink: the path that it leads to, and the number of symlinks that were followed."""
        self._steps = 0

    def add_directory(self, name: str, mode: int) -> None:
        """Create a directory. Raises `UnsafeEntry` and `OSError`, like all methods for entries."""
        path = self.path_of(name)
        if path != self._root:
            os.mkdir(path, 0o700)
        self._modes[path] = mode & 0o777

    def add_file(self, name: str, mode: int, content: t.IO[bytes]) -> None:
        """Create a file with this content."""
        with open(self.path_of(name), "xb") as file:
            shutil.copyfileobj(content, file)
        self.register_file(name, mode)

    def register_file(self, name: str, mode: int) -> None:
        """Add a file that has been written to `path_of` its name."""
        path = self.path_of(name)
        os.chmod(path, mode & 0o777)
        self._files.add(path)

    def add_symlink(self, name: str, target: str) -> None:
        """Add a symlink, which `finish` creates and checks."""
        path = self.path_of(name)
        if "\0" in target or not target or path == self._root:
            raise UnsafeEntry(f"{name} is a symlink that cannot be created, to {target!r}")
        if len(os.fsencode(target)) > TARGET_LIMIT_BYTES:
            raise UnsafeEntry(f"{name} is a symlink with a target of more than {TARGET_LIMIT_BYTES} bytes")
        if os.path.isabs(target):
            raise leads_out(name, target)
        self._count_link()
        self._symlinks[path] = target

    def add_hard_link(self, name: str, target: str) -> None:
        """Create another name for a file. A copy would let a few bytes create any number of large files."""
        path = self.path_of(name)
        source = os.path.normpath(os.path.join(self._root, target))
        if source not in self._files:
            raise UnsafeEntry(f"{name} is a hard link to {target}, which is not an earlier file")
        self._hard_links += 1
        self._count_link()
        os.link(source, path, follow_symlinks=False)
        self._files.add(path)

    def path_of(self, name: str) -> str:
        """Return the local path for a new entry. Raises `UnsafeEntry` for a duplicate, and without its parent."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts or "\0" in name:
            raise UnsafeEntry(f"{name} is not inside the directory")
        if len(parts) > DEPTH_LIMIT:
            raise UnsafeEntry(f"{parts[0]} has more than {DEPTH_LIMIT} levels of directories")
        path = os.path.join(self._root, *parts)
        if parts and os.path.dirname(path) not in self._modes:
            raise UnsafeEntry(f"{name} comes before its directory")
        if path in self._modes or path in self._symlinks or path in self._files:
            raise UnsafeEntry(f"{name} comes more than once")
        if len(self._modes) + len(self._symlinks) + len(self._files) >= ENTRY_LIMIT:
            raise UnsafeEntry(f"there are more than {ENTRY_LIMIT:,} files")
        return path

    def _count_link(self) -> None:
        if len(self._symlinks) + self._hard_links >= LINK_LIMIT:
            raise UnsafeEntry(f"there are more than {LINK_LIMIT:,} links")

    def finish(self) -> None:
        """Create and check the symlinks, and set the modes of directories. Raises `UnsafeEntry` and `OSError`."""
        for path, target in self._symlinks.items():
            os.symlink(target, path)
        # After all of them exist: each may lead through others, and the file system decides which names are equal.
        for path in self._symlinks:
            self._resolve(path)
        for path, mode in reversed(self._modes.items()):
            os.chmod(path, mode)

    def _resolve(self, path: str, depth: int = 0) -> tuple[str, int] | None:
        """Return where a symlink leads and how many symlinks were followed; None if `path` is not a symlink.

        Each symlink is resolved once, so that the time depends on the number of components in all targets. `depth` is
        the number of symlinks that led to this one. Raises `UnsafeEntry` if it leads out of the directory.
        """
        if path in self._modes:
            return None
        if path in self._resolved:
            return self._resolved[path]
        target = link_target(path)
        if target is None:
            return None
        here, hops = os.path.dirname(path), 1
        for part in target.split("/"):
            self._steps += 1
            if self._steps > FREE_STEPS + STEPS_PER_LINK * len(self._symlinks):
                raise UnsafeEntry(f"{self._name(path)} is one of too many symlinks with long targets")
            if part in ("", "."):
                continue
            if part == "..":
                if here == self._root:
                    raise leads_out(self._name(path), target)
                here = os.path.dirname(here)
                continue
            here = os.path.join(here, part)
            if hops + depth <= HOP_LIMIT and (resolved := self._resolve(here, depth + 1)):
                here = resolved[0]
                hops += resolved[1]
            if hops + depth > HOP_LIMIT:
                raise UnsafeEntry(f"{self._name(path)} is a symlink that leads to itself, or through too many others")
        self._resolved[path] = here, hops
        return here, hops

    def _name(self, path: str) -> str:
        return os.path.relpath(path, self._root)


def link_target(path: str) -> str | None:
    """Return the target of a symlink; None if there is no symlink at `path`."""
    try:
        return os.readlink(path)
    except OSError:
        return None


def leads_out(name: str, target: str) -> UnsafeEntry:
    """Return the error for a symlink that leads out of the directory."""
    return UnsafeEntry(f"{name} is a symlink that leads out of the directory, to {target}")


@contextlib.contextmanager
def replacing(target: str) -> t.Iterator[ExtractionDir]:
    """Yield a new directory that replaces `target`, which need not exist, unless an error occurs.

    Raises `UnsafeEntry` if `target` is something other than a directory, and `OSError`.
    """
    path = os.path.abspath(target)
    if os.path.islink(path) or (os.path.exists(path) and not os.path.isdir(path)):
        raise UnsafeEntry(f"{target} on the controller is not a directory")
    parent = os.path.dirname(path)
    new, old = (os.path.join(parent, f".pixels-{secrets.token_hex(8)}") for _number in range(2))
    os.mkdir(new, 0o700)
    try:
        directory = ExtractionDir(new)
        yield directory
        directory.finish()
        if os.path.isdir(path):
            os.rename(path, old)
        os.rename(new, path)
    finally:
        remove(new)
        # The old directory is removed only after another has replaced it, even if this was interrupted.
        if os.path.lexists(path):
            remove(old)
        elif os.path.isdir(old):
            os.rename(old, path)


def remove(path: str) -> None:
    """Remove a directory, including read-only directories in it."""
    for directory, _directories, _files in os.walk(path):
        with contextlib.suppress(OSError):
            os.chmod(directory, 0o700)
    shutil.rmtree(path, ignore_errors=True)
