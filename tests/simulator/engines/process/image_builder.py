# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the files that lie over this machine's programs in every guest.

They are three things: directories that belong to the guest's root (one of the machine's root belongs to `nobody` in a
guest, so nothing in it could be added or removed), whiteouts for what a small container does not have, and files of the
image's own. `/etc` and `/var` have nothing of the machine below them.
"""

from __future__ import annotations

import os
import shutil
import stat
import typing as t
from pathlib import Path

from tests.simulator.engines.process import contents
from tests.simulator.engines.process.inside.filesystem import layer

OPAQUE = "user.overlay.opaque"
ASKS_INIT = ("apt-get", "apt", "systemctl")
"""Commands that hand their arguments to the guest's init."""
USERLAND = Path(__file__).parent / "userland"


class Ids(t.NamedTuple):
    """Which of the machine's user and group ids are a guest's 0 and up."""

    first: int
    number: int

    @classmethod
    def here(cls) -> Ids:
        """As root, return an unused range of ids, as TrueNAS does; as another user, only the user's own id."""
        of_guests = cls(2_147_000_001, 65_536)
        return of_guests if os.geteuid() == 0 and of_guests.exist() else cls(os.geteuid(), 1)

    def exist(self) -> bool:
        """Not in a user namespace that has fewer: root there is not the machine's."""
        ranges = [tuple(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()]
        return any(inside <= self.first and self.first + self.number <= inside + size for inside, _out, size in ranges)

    def chown(self, path: Path, uid: int = 0) -> None:
        """Give a file to a user of the guest, where the guest has more than one."""
        if self.number > 1:
            os.chown(path, self.first + uid, self.first + uid, follow_symlinks=False)


class Builder:
    def __init__(self, folder: Path, overlays: dict[str, str], ids: Ids) -> None:
        self._folder = folder
        self._overlays = overlays
        self._ids = ids
        self._root = folder / "root"

    def build(self) -> None:
        self._build_root()
        self._build_etc()
        self._build_var()
        for path, below in self._overlays.items():
            self._build_cover(self._folder / layer(path), Path(below))
        self._build_commands()
        if self._ids.number > 1:
            self._build_privileged()

    def _build_root(self) -> None:
        for name in (*contents.FOLDERS, *self._overlays):
            self._make(self._root / name)
        self._root.joinpath("tmp").chmod(0o1777)
        self._root.joinpath("root").chmod(0o700)
        for top in contents.TOPS:
            if os.path.islink(f"/{top}"):
                self._link(self._root / top, os.readlink(f"/{top}"))
        self._make(self._root / "home/ubuntu")
        self._ids.chown(self._root / "home/ubuntu", 1000)

    def _build_etc(self) -> None:
        etc = self._root / "etc"
        for name in contents.IN_ETC:
            self._copy(Path("/etc") / name, etc / name)
        for name in ("ssh", "systemd/system/multi-user.target.wants", "apt", "sudoers.d"):
            self._make(etc / name)
        self._write(etc / "passwd", contents.PASSWD)
        self._write(etc / "group", contents.GROUP)
        self._write(etc / "shadow", contents.locked(contents.PASSWD, ":*:19700:0:99999:7:::"), 0o640)
        self._write(etc / "gshadow", contents.locked(contents.GROUP, ":*::"), 0o640)
        self._write(etc / "resolv.conf", "# a guest of the simulator has no network\n")

    def _build_var(self) -> None:
        var = self._root / "var"
        for name in ("cache", "lib/dpkg/info", "lib/dpkg/updates", "lib/apt/lists", "log", "mail", "spool", "tmp"):
            self._make(var / name)
        var.joinpath("tmp").chmod(0o1777)
        self._link(var / "run", "/run")
        self._link(var / "lock", "/run/lock")
        self._write(var / "lib/dpkg/status", "")

    def _build_cover(self, cover: Path, below: Path) -> None:
        """Return the layer over a directory of the machine."""
        self._make(cover)
        if below == Path("/usr"):
            self._hide_others(cover, below, contents.IN_USR)
            self._hide_others(cover / "share", below / "share", contents.IN_SHARE)
            if os.access("/usr/bin/python3", os.X_OK):  # else the interpreter may live in /usr/local
                self._build_local(cover / "local")
        inner = "lib" if below.name == "usr" else ""
        if "lib" in (inner, below.name):
            lib = below / inner
            triplets = [name for name in os.listdir(lib) if "-linux" in name]
            self._hide_others(cover / inner, lib, (*contents.IN_LIB, *triplets), contents.IN_LIB_BY_START)
        for name in contents.SSH_SERVER:
            hidden = name if below.name == "usr" else name.removeprefix(f"{below.name}/")
            if os.path.lexists(below / hidden):
                self._make((cover / hidden).parent)
                self._hide(cover / hidden)
        self._cover_folders(cover, below)

    def _build_local(self, folder: Path) -> None:
        """Hide the content of /usr/local of this machine: a new container has none."""
        self._make(folder)
        os.setxattr(folder, OPAQUE, b"y")
        for name in ("bin", "etc", "games", "include", "lib", "sbin", "share", "src"):
            self._make(folder / name)

    def _hide_others(self, cover: Path, below: Path, kept: t.Container[str], starts: tuple[str, ...] = ()) -> None:
        """Hide the subdirectories that an image does not need."""
        if not below.is_dir():
            return
        self._make(cover)
        for entry in os.scandir(below):
            wanted = entry.name in kept or entry.name.startswith(starts)
            if entry.is_dir(follow_symlinks=False) and not wanted:
                self._hide(cover / entry.name)

    def _cover_folders(self, cover: Path, below: Path) -> None:
        """Create each directory that is not hidden again, owned by the guest's root."""
        for entry in os.scandir(below):
            if not entry.is_dir(follow_symlinks=False):
                continue
            here = cover / entry.name
            if not os.path.lexists(here):
                os.mkdir(here)
                os.chmod(here, stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode))
                self._ids.chown(here)
            elif not here.is_dir() or OPAQUE in os.listxattr(here):
                continue
            try:
                self._cover_folders(here, Path(entry.path))
            except PermissionError:
                continue  # closed to us, so closed to guests

    def _build_commands(self) -> None:
        commands = self._folder / "usr/bin"
        self._make(commands)
        program = "#!/usr/bin/python3 -IS\n" + (USERLAND / "ask_init.py").read_text()
        for name in ASKS_INIT:
            self._write(commands / name, program, 0o755)
        if "opt/python" in self._overlays:
            self._link(commands / "python3", "/opt/python/bin/python3")

    def _build_privileged(self) -> None:
        """Programs with which a user becomes another: they work only as files of the guest's own root."""
        for name in contents.PRIVILEGED:
            source = Path("/usr") / name
            if source.is_dir():
                for each in source.iterdir():
                    self._copy_program(each, self._folder / "usr" / name / each.name)
            elif source.is_file():
                self._copy_program(source, self._folder / "usr" / name)
        if Path("/usr/bin/sudo").exists():
            self._write(self._root / "etc/sudoers", contents.SUDOERS, 0o440)

    def _copy_program(self, source: Path, target: Path) -> None:
        if not source.is_file():
            return
        self._make(target.parent)
        target.unlink(missing_ok=True)
        shutil.copyfile(source, target)
        self._ids.chown(target)
        target.chmod(stat.S_IMODE(source.stat().st_mode))

    def _make(self, folder: Path) -> None:
        """With its parents, as far as they are not there."""
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir(mode=0o755)
            each.chmod(0o755)
            self._ids.chown(each)

    def _hide(self, path: Path) -> None:
        os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))

    def _link(self, path: Path, target: str) -> None:
        path.symlink_to(target)
        self._ids.chown(path)

    def _write(self, path: Path, text: str, mode: int = 0o644) -> None:
        path.write_text(text)
        path.chmod(mode)
        self._ids.chown(path)

    def _copy(self, source: Path, target: Path) -> None:
        """What everybody may read."""
        if source.is_symlink():
            self._make(target.parent)
            self._link(target, os.readlink(source))
        elif source.is_dir() and os.access(source, os.R_OK | os.X_OK):
            self._make(target)
            for name in sorted(os.listdir(source)):
                self._copy(source / name, target / name)
        elif source.is_file() and source.stat().st_mode & stat.S_IROTH:
            self._make(target.parent)
            shutil.copyfile(source, target)
            target.chmod(stat.S_IMODE(source.stat().st_mode))
            self._ids.chown(target)
