# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's own files on this machine: what it changed over the image, and copies of that as snapshots.

Paths below `files` belong to the guest. The engine opens them only step by step without following symlinks, because a
symlink made in a guest would otherwise lead into the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import pathlib
import stat
import typing as t

from tests.simulator.engines.process.image import Image
from tests.simulator.engines.process.image_builder import Ids
from tests.simulator.engines.process.inside.filesystem import layer


async def handle(ids: Ids, *command: str) -> None:
    """Run a command of this machine on guests' files, as their owner. Raises `OSError`."""
    # With one id, a guest's root may close files to that id itself: only as a root again can they be handled.
    become_root = ("unshare", "--user", "--map-root-user", "--") if ids.number == 1 else ()
    process = await asyncio.create_subprocess_exec(*become_root, *command, stderr=asyncio.subprocess.PIPE)
    _stdout, stderr = await process.communicate()
    if process.returncode:
        raise OSError(errno.EIO, f"{command[0]} of a guest's files failed: {stderr.decode(errors='replace').strip()}")


async def remove(ids: Ids, path: pathlib.Path) -> None:
    """Remove a directory of guests with its content."""
    await handle(ids, "rm", "-rf", "--", str(path))


class Tree:
    """The directory of one guest: `files` and `work` for the overlays, `snapshots`."""

    def __init__(self, folder: pathlib.Path, image: Image) -> None:
        self.folder = folder
        self._image = image
        self._layers = ["root", *(layer(path) for path in image.overlays)]

    def make(self) -> None:
        (self.folder / "snapshots").mkdir(parents=True)
        for kind in ("files", "work"):
            self._make_layers(self.folder / kind)

    def has_snapshot(self, label: str) -> bool:
        return self._snapshot(label).is_dir()

    async def snapshot(self, label: str) -> None:
        if self.has_snapshot(label):
            raise FileExistsError(errno.EEXIST, "there is a snapshot of that name", label)
        await self._copy(self.folder / "files", self._snapshot(label))

    async def rollback(self, label: str) -> None:
        await self._replace_files(self._snapshot(label))

    async def delete_snapshot(self, label: str) -> None:
        await self._remove(self._snapshot(label))

    async def clone_from(self, other: Tree, label: str) -> None:
        """Everything is copied: host keys and machine id as well, as with a clone on ZFS."""
        self.make()
        await self._replace_files(other._snapshot(label))

    async def take_snapshot_from(self, other: Tree, label: str, new_label: str) -> None:
        """It is this guest's from now on."""
        options = ("--no-target-directory", "--no-clobber")
        places = (str(other._snapshot(label)), str(self._snapshot(new_label)))
        await handle(self._image.ids, "mv", *options, "--", *places)

    def rename(self, name: str) -> None:
        """For a guest that does not run."""
        self.folder = self.folder.rename(self.folder.with_name(name))

    async def delete(self) -> None:
        await self._remove(self.folder)

    async def clear_work(self) -> None:
        """Remove what a mounted overlay leaves: directories without permissions, which cannot be removed otherwise."""
        for name in self._layers:
            left = self.folder / "work" / name / "work"
            try:
                left.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                await self._remove(left)

    def used(self) -> int:
        """Bytes on disk."""
        total, folders = 0, [str(self.folder / "files")]
        while folders:
            # What the guest removes or closes while we look does not count.
            with contextlib.suppress(FileNotFoundError, PermissionError), os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
        return total

    def put(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Add a file to a guest that has never run: nothing in it is a trap yet."""
        target = self._place(path)
        for parent in reversed(target.parents):
            if not parent.exists():
                parent.mkdir(mode=0o755)
                self._image.ids.chown(parent)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(mode)
        self._image.ids.chown(target)

    def put_link(self, path: str, target: str) -> None:
        """As `put`, for a symlink."""
        place = self._place(path)
        self.put(f"{path}.new", "")
        place.with_name(f"{place.name}.new").unlink()
        place.symlink_to(target)
        self._image.ids.chown(place)

    def changed(self, path: str) -> os.stat_result | None:
        """lstat of a file that the guest itself has added or changed; None for the image's own and for none."""
        with contextlib.suppress(OSError), self._parent(path) as parent:
            found = os.stat(os.path.basename(path), dir_fd=parent, follow_symlinks=False)
            return None if stat.S_ISCHR(found.st_mode) else found
        return None

    def read_changed(self, path: str) -> bytes | None:
        """The content of a regular file that the guest itself has added or changed."""
        with contextlib.suppress(OSError), self._parent(path) as parent:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(os.path.basename(path), flags, dir_fd=parent)
            with os.fdopen(descriptor, "rb") as file:
                return file.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
        return None

    def names_changed(self, folder: str) -> list[str]:
        """Return what the guest has added to a directory or changed in it."""
        with contextlib.suppress(OSError), self._parent(f"{folder}/any") as parent:
            descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=parent)
            try:
                return sorted(os.listdir(descriptor))
            finally:
                os.close(descriptor)
        return []

    @contextlib.contextmanager
    def _parent(self, path: str) -> t.Iterator[int]:
        flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        place = self._place(path)
        base = self.folder / "files"
        descriptor = os.open(base, flags)
        try:
            for step in place.parent.relative_to(base).parts:
                below = os.open(step, flags, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)

    def _place(self, path: str) -> pathlib.Path:
        inner = path.lstrip("/")
        for overlay in self._image.overlays:
            if inner.startswith(f"{overlay}/"):
                return self.folder / "files" / layer(overlay) / inner.removeprefix(f"{overlay}/")
        return self.folder / "files/root" / inner

    def _snapshot(self, label: str) -> pathlib.Path:
        return self.folder / "snapshots" / f"@{label}"

    def _make_layers(self, folder: pathlib.Path) -> None:
        folder.mkdir()
        for name in self._layers:
            (folder / name).mkdir()
            self._image.ids.chown(folder / name)

    async def _replace_files(self, source: pathlib.Path) -> None:
        """The copy is complete before the old files go."""
        if not os.path.isdir(source):
            raise FileNotFoundError(errno.ENOENT, "there is no such snapshot", source.name)
        fresh = self.folder / "fresh"
        await self._remove(fresh)
        await self._copy(source, fresh)
        await self._remove(self.folder / "files")
        fresh.rename(self.folder / "files")

    async def _copy(self, source: pathlib.Path, target: pathlib.Path) -> None:
        # overlayfs marks removed and replaced directories with devices and attributes: -a keeps both.
        options = ("-a", "--reflink=auto", "--no-target-directory")
        await handle(self._image.ids, "cp", *options, "--", str(source), str(target))

    async def _remove(self, path: pathlib.Path) -> None:
        await remove(self._image.ids, path)
