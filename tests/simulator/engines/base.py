# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the world asks of an engine: the part of a NAS that really runs containers and keeps their files.

The world does the bookkeeping TrueNAS shows (status, snapshots, txg order, errors); an engine makes it true.
`container` is always the full instance name (`px-web`); `path` is absolute inside the container.
Every coroutine runs in the simulator's event loop and must not block it.
"""

from __future__ import annotations

import pathlib
import typing as t


class Address(t.NamedTuple):
    family: str
    """`INET` or `INET6`."""
    address: str
    netmask: int


class Stat(t.NamedTuple):
    """lstat of a path in a container's filesystem, ids as the container sees them."""

    type: str
    """`FILE`, `DIRECTORY`, `SYMLINK` or `OTHER`."""
    size: int
    mode: int
    uid: int
    gid: int
    mtime: float
    target: str | None = None
    """Where a symlink points, as written in it."""


class Finished(t.NamedTuple):
    """How a command in a container ended."""

    returncode: int
    """Negative: ended by that signal."""
    stdout: bytes
    stderr: bytes


class Terminal(t.Protocol):
    """A command that runs in a container in a terminal of its own; both directions are raw bytes of the terminal."""

    async def read(self, most: int) -> bytes:
        """Read the next bytes, at most so many; empty when no program has the terminal open."""

    async def write(self, content: bytes) -> None:
        """As typed. Raises `BrokenPipeError` when nothing is there to read it."""

    def resize(self, columns: int, rows: int) -> None:
        """Raises `struct.error` for a size no terminal can have."""

    async def wait(self) -> None:
        """Until the command has ended; what it has started may still write."""

    async def close(self) -> None:
        """Hang up: the command ends, and what runs in its foreground."""


class EngineUnavailable(Exception):
    """This machine cannot run this engine; the text says what is missing."""


class Engine(t.Protocol):
    name: str
    ssh_port: int

    async def open(self) -> None:
        """Check that this machine can run guests. Raises `EngineUnavailable`."""

    async def close(self) -> None:
        """End everything that was started, by pid."""

    async def create(self, container: str, image: str) -> None: ...

    async def delete(self, container: str) -> None: ...

    async def start(
        self, container: str, *, cpu: str | None, memory: int | None, environment: t.Mapping[str, str]
    ) -> None:
        """Boot it: SSH server (when the guest has one), /etc/rc.local."""

    async def limit(
        self, container: str, *, cpu: str | None, memory: int | None, environment: t.Mapping[str, str]
    ) -> None:
        """Apply changed settings of a container that is started or stopped."""

    async def stop(self, container: str, *, force: bool, timeout: float | None = None) -> None:
        """Raises `TimeoutError` when a graceful stop takes longer than so many seconds, and it goes on running."""

    def addresses(self, container: str) -> list[Address]:
        """The addresses of a started container, IPv4 first; empty when it is stopped."""

    async def run(
        self,
        container: str,
        argv: t.Sequence[str],
        *,
        stdin: bytes = b"",
        environment: t.Mapping[str, str] | None = None,
    ) -> Finished:
        """Run a command as root in a started container."""

    async def open_terminal(
        self, container: str, argv: t.Sequence[str], *, environment: t.Mapping[str, str]
    ) -> Terminal:
        """Run a command as root in a started container, in a new terminal of no size.

        Raises `FileNotFoundError` when there is no such program, `ConnectionResetError` when the container has ended.
        """

    def own(self, path: pathlib.Path) -> None:
        """Give a file of this machine to the root of the simulated NAS, which `open_host_terminal` runs commands as."""

    async def open_host_terminal(
        self, argv: t.Sequence[str], *, environment: t.Mapping[str, str], datasets: pathlib.Path
    ) -> Terminal:
        """Run a command as root of the simulated NAS, which is confined as a container is: never on this machine.

        `datasets` is the directory of this machine that is `/mnt` there.
        """

    async def snapshot(self, container: str, label: str) -> None: ...

    async def rollback(self, container: str, label: str) -> None: ...

    async def delete_snapshot(self, container: str, label: str) -> None: ...

    async def hold(self, container: str, label: str, tag: str) -> None:
        """Keep a snapshot from being destroyed, as `zfs hold` does."""

    async def release(self, container: str, label: str, tag: str) -> None:
        """Undo it; a container that was not held is unchanged."""

    async def clone(self, container: str, label: str, target: str) -> None:
        """Make `target` from a snapshot; a container of that name exists afterwards, stopped."""

    async def move(self, container: str, target: str) -> None:
        """Another name for a stopped container's files; its snapshots go along."""

    async def move_snapshot(self, container: str, label: str, target: str, new_label: str) -> None:
        """Hand a snapshot over to another container, as `zfs promote` does."""

    def used(self, container: str) -> int:
        """Bytes the container's own files take."""

    async def stat(self, container: str, path: str) -> Stat | None:
        """lstat; None when there is nothing. Works stopped as well (the world decides what the API shows)."""

    async def list_directory(self, container: str, path: str) -> list[str]: ...

    async def read_file(self, container: str, path: str) -> bytes: ...

    async def write_file(
        self, container: str, path: str, content: bytes, *, append: bool, mode: int | None, uid: int, gid: int
    ) -> None:
        """Write as the host's root would through the rootfs: parents are made, uid/gid -1 leave the owner alone."""
