# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and write files of a container through the file API of the NAS.

The file API acts as root of the NAS, follows symlinks on the NAS and requires FULL_ADMIN. Root in a container can plant
symlinks, so every parent of a path is checked first, and nothing is written unless the dataset of the container is
mounted: otherwise the same path is a directory on the boot pool.
"""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Refused, TimedOut
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import files

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

T = t.TypeVar("T")

FILE_LIMIT = 8 * 1024 * 1024
"""Bytes of a file that is read into memory. Root in the container can make a file as large as the pool."""


@dataclass(frozen=True)
class File:
    """The specified content and mode of a file in a container."""

    path: str
    content: str
    mode: int
    restart: bool = False
    """Whether the file takes effect only when the container starts."""


class ReadCache:
    """Results of reads in files that no process changes: clones of one snapshot before their first start.

    Threads that need the same result wait for the first one to read it.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._results: dict[tuple[str, str], t.Any] = {}

    def get(self, kind: str, path: str, read: t.Callable[[], T]) -> T:
        """Return the cached result for a kind of read at a path; call `read` if there is none."""
        with self._lock:
            if (kind, path) not in self._results:
                self._results[kind, path] = read()
            result: T = self._results[kind, path]
            return result

    def clear(self) -> None:
        """Discard all results: the snapshot may be replaced by another one."""
        with self._lock:
            self._results.clear()


class Rootfs:
    """The filesystem of a running container as mounted on the NAS, or at `path` that of a clone before its first start.

    `cache` is for clones only: without processes inside that could exchange a file for a symlink, one check per path
    is enough.
    """

    def __init__(
        self, pixels: Pixels, name: PixelName, path: str | None = None, *, cache: ReadCache | None = None
    ) -> None:
        self._wire = pixels.wire
        self._nas = pixels.nas
        self._bare_name = name.bare
        self._path = path or pixels.containers.rootfs(name)
        self._cache = cache
        self._was_mounted = False
        self._written: set[str] = set()

    @property
    def mounted(self) -> bool:
        """Whether the dataset of the container is mounted; if not, the same path is a directory on the boot pool."""
        dataset = files.stat(self._wire, self._path.removesuffix("/rootfs"))
        return dataset is not None and dataset.is_mountpoint and files.stat(self._wire, self._path) is not None

    def wait_until_mounted(self, deadline: Deadline) -> None:
        """Wait until the filesystem of a container that just started is mounted. Raises `TimedOut`."""
        if deadline.wait_until(lambda: self.mounted or None) is None:
            raise TimedOut(f"the filesystem of the pixel is not mounted on {self._nas} after {deadline.seconds:g} s")

    def has(self, path: str) -> bool:
        """Return whether a path exists."""
        return self._checked_stat(path) is not None

    def size(self, path: str) -> int:
        """Return the size of a file in bytes, 0 if it does not exist."""
        found = self._checked_stat(path)
        return found.size if found else 0

    def is_symlink(self, path: str) -> bool:
        """Return whether a path is a symlink to something that exists. The target is not read."""
        found = self._stat(path)
        return found is not None and found.type == "symlink"

    def read(self, path: str) -> str | None:
        """Return the text of a file, None if it does not exist. Raises `Refused` for anything but a regular file."""
        found = self._checked_stat(path)
        if found is None:
            return None
        if found.type != "file":
            raise Refused(f"{path} in {self._bare_name} is not a regular file ({found.type}). Remove it")
        if not found.size:
            return ""
        if found.size > FILE_LIMIT:
            raise Refused(
                f"{path} in {self._bare_name} has {found.size} bytes, more than the {FILE_LIMIT} that are read. "
                "Replace it with a smaller file"
            )
        content = self._cached("content", path, lambda: files.read(self._wire, self._path + path))
        return content.decode("utf-8", "replace")

    def write(self, file: File) -> None:
        """Write a file, with the directories above it. Raises `Refused` for symlinks."""
        if self._checked_stat(file.path) is None:
            self._reject_dangling_symlink(file.path)
        self._written.add(file.path)
        files.write(self._wire, self._path + file.path, file.content.encode("utf-8"), mode=file.mode)

    def _checked_stat(self, path: str) -> files.Stat | None:
        """Return what is at a path. Raises `Refused` if a parent or the path itself is a symlink."""
        if not (self._cache and self._was_mounted) and not self.mounted:
            raise Refused(f"the filesystem of {self._bare_name} is not mounted on {self._nas}. Start the pixel")
        self._was_mounted = True
        parents = path.split("/")[1:-1]
        for depth in range(1, len(parents) + 1):
            parent = "/" + "/".join(parents[:depth])
            found = self._stat(parent)
            if found is None:
                return None
            if found.type == "symlink":
                raise self._symlink_error(parent)
            if found.type != "directory":
                raise Refused(f"{parent} in {self._bare_name} is not a directory ({found.type}). Remove it")
        found = self._stat(path)
        if found is not None and found.type == "symlink":
            raise self._symlink_error(path)
        return found

    def _reject_dangling_symlink(self, path: str) -> None:
        """Raise `Refused` if the first missing part of a path is a symlink: a write would create its target."""
        parts = path.split("/")
        for depth in range(2, len(parts) + 1):
            part = "/".join(parts[:depth])
            if self._stat(part) is None:
                if files.is_listed(self._wire, self._path + part):
                    raise self._symlink_error(part)
                return

    def _symlink_error(self, path: str) -> Refused:
        return Refused(
            f"{path} in {self._bare_name} is a symlink, which could lead to a file of {self._nas} itself. Replace it "
            "with a regular file or directory"
        )

    def _stat(self, path: str) -> files.Stat | None:
        return self._cached("stat", path, lambda: files.stat(self._wire, self._path + path))

    def _cached(self, kind: str, path: str, read: t.Callable[[], T]) -> T:
        if self._cache is None or path in self._written:
            return read()
        return self._cache.get(kind, path, read)
