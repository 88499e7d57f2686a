# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that exist on paper only: files are remembered, nothing runs. For tests that never go inside one."""

from __future__ import annotations

import copy
import pathlib
import posixpath
import time
import typing as t
from dataclasses import dataclass, field

from tests.simulator.engines.base import Address, Finished, Stat
from tests.simulator.engines.final_output import FinalOutput

DIRECTORY_MODE, FILE_MODE = 0o040755, 0o100644
PERMISSIONS = 0o7777
NOTHING_RUNS = b"nothing runs in this container"


@dataclass
class Node:
    """A file with its content, or a directory."""

    content: bytes | None
    mode: int
    uid: int = 0
    gid: int = 0
    mtime: float = field(default_factory=time.time)

    def stat(self) -> Stat:
        kind = "DIRECTORY" if self.content is None else "FILE"
        return Stat(kind, len(self.content or b""), self.mode, self.uid, self.gid, self.mtime)


Tree = dict[str, Node]


def fresh_tree() -> Tree:
    return {path: Node(None, DIRECTORY_MODE) for path in ("/", "/etc", "/root", "/tmp", "/usr", "/var")}


class PaperEngine:
    name = "paper"

    def __init__(self, *, ssh_port: int = 22) -> None:
        self.ssh_port = ssh_port
        self._trees: dict[str, Tree] = {}
        self._snapshots: dict[tuple[str, str], Tree] = {}
        self._addresses: dict[str, Address] = {}
        self._next_address = 2

    async def open(self) -> None:
        """There is no machine that cannot keep notes."""

    async def close(self) -> None:
        self._addresses.clear()

    async def create(self, container: str, image: str) -> None:
        self._trees[container] = fresh_tree()

    async def delete(self, container: str) -> None:
        self._trees.pop(container, None)
        self._addresses.pop(container, None)
        for key in [key for key in self._snapshots if key[0] == container]:
            del self._snapshots[key]

    async def start(
        self, container: str, *, cpu: str | None, memory: int | None, environment: t.Mapping[str, str]
    ) -> None:
        number = self._next_address
        self._next_address += 1
        self._addresses[container] = Address("INET", f"10.77.{number // 256}.{number % 256}", 16)

    async def limit(
        self, container: str, *, cpu: str | None, memory: int | None, environment: t.Mapping[str, str]
    ) -> None:
        """The world has noted it."""

    async def stop(self, container: str, *, force: bool, timeout: float | None = None) -> None:
        self._addresses.pop(container, None)

    def addresses(self, container: str) -> list[Address]:
        return [self._addresses[container]] if container in self._addresses else []

    async def run(
        self,
        container: str,
        argv: t.Sequence[str],
        *,
        stdin: bytes = b"",
        environment: t.Mapping[str, str] | None = None,
    ) -> Finished:
        return Finished(127, b"", NOTHING_RUNS + b"\n")

    async def open_terminal(
        self, container: str, argv: t.Sequence[str], *, environment: t.Mapping[str, str]
    ) -> FinalOutput:
        """Says so and ends."""
        return FinalOutput(NOTHING_RUNS + b"\r\n")

    def own(self, path: pathlib.Path) -> None:
        """Do nothing: no commands run on the NAS."""

    async def open_host_terminal(
        self, argv: t.Sequence[str], *, environment: t.Mapping[str, str], datasets: pathlib.Path
    ) -> FinalOutput:
        """Says so and ends."""
        return FinalOutput(b"nothing runs on this NAS\r\n")

    async def snapshot(self, container: str, label: str) -> None:
        self._snapshots[container, label] = copy.deepcopy(self._trees[container])

    async def rollback(self, container: str, label: str) -> None:
        self._trees[container] = copy.deepcopy(self._snapshots[container, label])

    async def delete_snapshot(self, container: str, label: str) -> None:
        del self._snapshots[container, label]

    async def hold(self, container: str, label: str, tag: str) -> None:
        """The world has noted it."""

    async def release(self, container: str, label: str, tag: str) -> None:
        """The world has noted it."""

    async def clone(self, container: str, label: str, target: str) -> None:
        self._trees[target] = copy.deepcopy(self._snapshots[container, label])

    async def move(self, container: str, target: str) -> None:
        self._trees[target] = self._trees.pop(container)
        for name, label in [key for key in self._snapshots if key[0] == container]:
            self._snapshots[target, label] = self._snapshots.pop((name, label))

    async def move_snapshot(self, container: str, label: str, target: str, new_label: str) -> None:
        self._snapshots[target, new_label] = self._snapshots.pop((container, label))

    def used(self, container: str) -> int:
        return sum(len(node.content or b"") for node in self._trees[container].values())

    async def stat(self, container: str, path: str) -> Stat | None:
        node = self._trees[container].get(posixpath.normpath(path))
        return None if node is None else node.stat()

    async def list_directory(self, container: str, path: str) -> list[str]:
        folder = posixpath.normpath(path)
        return sorted(
            posixpath.basename(name)
            for name in self._trees[container]
            if name != "/" and posixpath.dirname(name) == folder
        )

    async def read_file(self, container: str, path: str) -> bytes:
        content = self._trees[container][posixpath.normpath(path)].content
        if content is None:
            raise IsADirectoryError(path)
        return content

    async def write_file(
        self, container: str, path: str, content: bytes, *, append: bool, mode: int | None, uid: int, gid: int
    ) -> None:
        tree, name = self._trees[container], posixpath.normpath(path)
        folder = posixpath.dirname(name)
        while folder not in tree:
            tree[folder] = Node(None, DIRECTORY_MODE)
            folder = posixpath.dirname(folder)
        node = tree.setdefault(name, Node(b"", FILE_MODE))
        node.content = (node.content or b"") + content if append else content
        node.mtime = time.time()
        if mode is not None:
            node.mode = (node.mode & ~PERMISSIONS) | mode
        node.uid = node.uid if uid == -1 else uid
        node.gid = node.gid if gid == -1 else gid
