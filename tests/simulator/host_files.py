# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve a path on the NAS to a file, and read and write it.

The host's own files are a root in the state directory; a mounted container's rootfs is the engine's. Paths are
walked step by step in the pretended root, symlinks included, so no path of a client ever reaches this machine's files.
"""

from __future__ import annotations

import collections
import contextlib
import os
import stat as modes
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from tests.simulator.engines.base import Stat
from tests.simulator.errors import GenericError

if t.TYPE_CHECKING:
    from tests.simulator.engines.base import Engine
    from tests.simulator.layout import Layout, Mount

MOST_SYMLINKS = 40
WITHOUT_ZFS = ("/dev", "/proc", "/run", "/sys", "/tmp")  # a list of places that are not ZFS on TrueNAS


@dataclass(frozen=True)
class Location:
    """Where a path ended up: `path` is the real path on the NAS."""

    path: str
    container: str | None = None
    """Set inside the rootfs of a mounted container, where `inside` is the path the container knows it by."""
    inside: str = ""


class HostFiles:
    def __init__(
        self, state_dir: Path, engine: Engine, layout: Layout, is_mounted: t.Callable[[str, str], bool]
    ) -> None:
        self.root = state_dir / "host"
        """The pretended root; what is at a container's place in it is hidden while the container is mounted over it."""
        self.beside: t.Callable[[str], dict[str, bytes]] = collections.defaultdict[str, dict[str, bytes]](
            dict
        ).__getitem__
        """The files next to the rootfs in a container's dataset, by path; directories are implicit."""
        self.engine = engine
        self.layout = layout
        self.mounts: t.Callable[[], t.Mapping[str, str]] = dict
        """Mount points that are no container's place, with what the engine calls the files there."""
        self.mounted_below: t.Callable[[str], t.Iterable[str]] = lambda path: ()
        """Return the containers whose datasets are mounted directly below a directory of the NAS."""
        self.kernel_file: t.Callable[[str], bytes | None] = lambda path: None
        """What the kernel says in a file below `/proc`."""
        self._is_mounted = is_mounted
        self.has_dataset: t.Callable[[str], bool] = lambda _name: False
        self._owners: dict[Path, tuple[int, int]] = {}

    def prepare(self, pools: t.Iterable[str]) -> None:
        for folder in (
            "etc",
            "root/.ssh",
            "home/truenas_admin/.ssh",
            "tmp",
            self.layout.mounted_below[1:],
            *(f"mnt/{pool}" for pool in pools),
        ):
            self._make_directories(self.root / folder)

    def prepare_container(self, mount: Mount) -> None:
        """Incus' empty mount point stays behind on the boot pool, whether the container runs or not."""
        shadow = self.physical_shadow(mount.path)
        if not self.layout.beside_rootfs:
            self._make_directories(shadow.parent)
            return
        self._make_directories(shadow)

    def _make_directories(self, path: Path) -> None:
        """Make a directory and its parents, where they are missing, as root."""
        if path.is_dir():
            return
        if path != self.root:
            self._make_directories(path.parent)
        path.mkdir(parents=True)
        self.engine.own(path)

    # where

    def mount_of(self, path: str) -> Mount | None:
        """The mounted container a path is in."""
        for location, files in self.mounts().items():
            if path == location or path.startswith(f"{location}/"):
                return self.layout.mount_elsewhere(location, files)
        mount = self.layout.mount_at(path)
        return mount if mount is not None and self._is_mounted(mount.pool, mount.container) else None

    def locate(self, path: str) -> Location:
        mount = self.mount_of(path)
        if mount is not None and (path == mount.rootfs or path.startswith(f"{mount.rootfs}/")):
            return Location(path, mount.container, path.removeprefix(mount.rootfs) or "/")
        return Location(path)

    def is_mountpoint(self, path: str) -> bool:
        mount = self.mount_of(path)
        return (mount is not None and mount.path == path) or self._is_of_a_dataset(path)

    def _is_of_a_dataset(self, path: str) -> bool:
        """One that holds no container's files: a pool, a dataset, or where TrueNAS 26 keeps its containers."""
        if path.startswith(f"{self.layout.mounted_below}/"):
            return self.layout.always_mounted and path.count("/") in (3, 4)
        if path == self.layout.mounted_below or not path.startswith("/mnt/"):
            return False
        return path.count("/") == 2 or self.has_dataset(path.removeprefix("/mnt/"))

    def physical_shadow(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def physical(self, path: str) -> Path:
        """This machine's path for a real path on the NAS outside every container's dataset."""
        return self.physical_shadow(path)

    async def resolve(self, path: str, *, follow: bool = True, links: bool = True) -> Location:
        """Walk a path as the host's kernel would; what does not exist is taken literally.

        Without `links` a symlink on the way is an error, and so is one at its end.

        An absolute symlink in a container's rootfs leads to the host's file of that name: TrueNAS' danger, kept.
        """
        waiting = [part for part in path.split("/") if part]
        done: list[str] = []
        seen = 0
        while waiting:
            part = waiting.pop(0)
            if part in (".", ".."):
                done = done[:-1] if part == ".." else done
                continue
            here = "/" + "/".join([*done, part])
            found = await self.look(self.locate(here))
            if found is None or found.type != "SYMLINK" or (not waiting and not follow):
                if waiting and found is not None and found.type not in ("DIRECTORY", "SYMLINK"):
                    raise GenericError(f"[Errno 20] Not a directory: '{path}'", "NotADirectoryError")
                done.append(part)
                continue
            if not links:
                raise GenericError(f"[Errno 40] Symlink detected in path: '{path}'", "OSError")
            seen += 1
            if seen > MOST_SYMLINKS:
                raise GenericError(f"[Errno 40] Too many levels of symbolic links: '{path}'", "OSError")
            target = found.target or ""
            done = [] if target.startswith("/") else done
            waiting = [step for step in target.split("/") if step] + waiting
        return self.locate("/" + "/".join(done))

    # what

    async def look(self, location: Location) -> Stat | None:
        """lstat; None when nothing is there."""
        if location.container is not None:
            return await self.engine.stat(location.container, location.inside)
        content = self.kernel_file(location.path)
        if content is not None:
            return Stat("FILE", 0, 0o100444, 0, 0, time.time())
        mount = self.mount_of(location.path)
        if mount is not None:
            return self._look_beside(mount, location.path)
        path = self.physical(location.path)
        try:
            status = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        uid, gid = self._owners.get(path, (0, 0))
        target = os.readlink(path) if modes.S_ISLNK(status.st_mode) else None
        return Stat(kind(status.st_mode), status.st_size, status.st_mode, uid, gid, status.st_mtime, target)

    def _look_beside(self, mount: Mount, path: str) -> Stat | None:
        files, name = self.beside(mount.dataset), path.removeprefix(mount.path).lstrip("/")
        if name in files:
            return Stat("FILE", len(files[name]), 0o100400, 0, 0, 0.0)
        is_folder = not name or any(each.startswith(f"{name}/") for each in files)
        return Stat("DIRECTORY", 6, 0o40700, 0, 0, 0.0) if is_folder else None

    async def names(self, location: Location) -> list[str]:
        """What a directory holds, sorted."""
        with os_errors(location.path):
            return await self._names(location)

    async def read(self, location: Location) -> bytes:
        with os_errors(location.path):
            if location.container is not None:
                return await self.engine.read_file(location.container, location.inside)
            content = self.kernel_file(location.path)
            if content is not None:
                return content
            mount = self.mount_of(location.path)
            if mount is not None:
                return self.beside(mount.dataset)[location.path.removeprefix(mount.path).lstrip("/")]
            return self.physical(location.path).read_bytes()

    async def _names(self, location: Location) -> list[str]:
        if location.container is not None:
            return sorted(await self.engine.list_directory(location.container, location.inside))
        mount = self.mount_of(location.path)
        if mount is None:
            here = {entry.name for entry in self.physical(location.path).iterdir()}
            return sorted(here | set(self.mounted_below(location.path)))
        folder = location.path.removeprefix(mount.path).lstrip("/")
        inside = f"{folder}/" if folder else ""
        below = (each.removeprefix(inside) for each in self.beside(mount.dataset) if each.startswith(inside))
        return sorted({each.partition("/")[0] for each in below} | (set() if folder else {"rootfs"}))

    async def write(
        self,
        location: Location,
        content: bytes,
        *,
        append: bool = False,
        mode: int | None = None,
        uid: int = -1,
        gid: int = -1,
    ) -> None:
        """Parents are made, as root; a mode of 0 or None leaves the file's mode alone."""
        with os_errors(location.path):
            if location.container is None:
                self._write(location, content, append=append, mode=mode or None, uid=uid, gid=gid)
                return
            await self.engine.write_file(
                location.container, location.inside, content, append=append, mode=mode or None, uid=uid, gid=gid
            )

    def _write(self, location: Location, content: bytes, *, append: bool, mode: int | None, uid: int, gid: int) -> None:
        mount = self.mount_of(location.path)
        if mount is not None:
            files, name = self.beside(mount.dataset), location.path.removeprefix(mount.path).lstrip("/")
            files[name] = (files.get(name, b"") if append else b"") + content
            return
        path = self.physical(location.path)
        self._make_directories(path.parent)
        fresh = not path.exists()
        with path.open("ab" if append else "wb") as file:
            file.write(content)
        if fresh:
            self.engine.own(path)
        if mode or fresh:
            path.chmod(mode or 0o644)
        owner = self._owners.get(path, (0, 0))
        self._owners[path] = (owner[0] if uid == -1 else uid, owner[1] if gid == -1 else gid)

    def make_directory(self, location: Location, mode: int) -> None:
        with os_errors(location.path):
            path = self.physical(location.path)
            path.mkdir()
            path.chmod(mode)
            self.engine.own(path)


@contextlib.contextmanager
def os_errors(path: str) -> t.Iterator[None]:
    """An OSError reaches the client as it is, but with the path it knows. Raises GenericError."""
    try:
        yield
    except OSError as error:
        text = f"[Errno {error.errno}] {error.strerror}: '{path}'" if error.errno else str(error)
        raise GenericError(text, type(error).__name__) from error


def kind(mode: int) -> str:
    kinds = {modes.S_IFDIR: "DIRECTORY", modes.S_IFREG: "FILE", modes.S_IFLNK: "SYMLINK"}
    return kinds.get(modes.S_IFMT(mode), "OTHER")


def has_zfs(path: str) -> bool:
    return not any(path == location or path.startswith(f"{location}/") for location in WITHOUT_ZFS)
