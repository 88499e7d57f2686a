# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ZFS of the virtual machine: every operation is a command there, and every look a listing."""

from __future__ import annotations

import datetime
import typing as t

from tests.simulator.errors import CallError
from tests.simulator.storage import HOLD_TAG, Storage
from tests.simulator.zfs import Dataset, Snapshot, Zfs, ZfsError

if t.TYPE_CHECKING:
    from tests.simulator.engines.base import Engine
    from tests.simulator.engines.incus.agent import Agent
    from tests.simulator.layout import Layout

LOOK = ("zfs", "get", "-Hp", "-r", "-t", "filesystem,snapshot", "-o", "name,property,value,source", "all", "tank")
"""One process: each start of one takes a while where the processor is emulated."""


class RealStorage(Storage):
    """The datasets of the real pool. `zfs` is a picture of them, as old as the last `look`."""

    def __init__(self, agent: Agent, engine: Engine, layout: Layout) -> None:
        super().__init__(engine, layout, lambda: 0.0)
        self._agent = agent

    async def look(self) -> None:
        rows = (await self._listed(*LOOK)).splitlines()
        held = [line.split("\t")[0] for line in rows if "\tuserrefs\t" in line and "\tuserrefs\t0\t" not in line]
        holds = await self._listed("zfs", "holds", "-Hp", *held) if held else ""
        self.zfs = picture(rows, holds.splitlines())

    async def _listed(self, *argv: str) -> str:
        ended = await self._agent.run(argv)
        if ended.returncode:
            raise CallError(f"the pool cannot be listed: {ended.stderr.decode(errors='replace').strip()}")
        return ended.stdout.decode()

    async def _zfs(self, *argv: str) -> None:
        """Raises ZfsError with the text of the command."""
        ended = await self._agent.run(["zfs", *argv])
        if ended.returncode:
            text = ended.stderr.decode(errors="replace").strip()
            raise ZfsError(text, exists="already exists" in text, busy="is busy" in text)

    async def take(self, dataset: str, label: str, *, recursive: bool = False, **properties: str) -> list[Snapshot]:
        options = [word for key, value in properties.items() for word in ("-o", f"{key}={value}")]
        await self._zfs("snapshot", *(["-r"] if recursive else []), *options, f"{dataset}@{label}")
        await self.look()
        return [self.zfs.snapshots[f"{dataset}@{label}"]]

    async def drop(self, id: str, *, defer: bool = False) -> None:
        await self._zfs("destroy", *(["-d"] if defer else []), id)

    async def rollback(self, id: str, *, newer: bool = False, clones: bool = False) -> None:
        await self._zfs("rollback", *(["-R"] if clones else ["-r"] if newer else []), id)

    async def clone(self, id: str, target: str, **properties: str) -> None:
        options = [word for key, value in properties.items() for word in ("-o", f"{key}={value}")]
        await self._zfs("clone", *options, id, target)

    async def move(self, dataset: str, target: str) -> None:
        await self._zfs("rename", dataset, target)

    async def promote(self, dataset: str) -> None:
        await self._zfs("promote", dataset)

    async def destroy(self, dataset: str, *, recursive: bool = False, dependents: bool = False) -> None:
        await self._zfs("destroy", *(["-R"] if dependents else ["-r"] if recursive else []), dataset)

    def hold(self, id: str, *, recursive: bool = False, tag: str = HOLD_TAG) -> None:
        """`hold_files` does it."""

    async def hold_files(self, id: str, *, recursive: bool = False, tag: str = HOLD_TAG) -> None:
        await self._zfs("hold", *(["-r"] if recursive else []), tag, id)

    async def release(self, id: str, *, recursive: bool = False, tag: str | None = None) -> None:
        held = self.zfs.snapshots[id].holds if id in self.zfs.snapshots else {}
        for each in list(held) if tag is None else [tag]:
            await self._zfs("release", *(["-r"] if recursive else []), each, id)


def picture(rows: t.Iterable[str], holds: t.Iterable[str]) -> Zfs:
    """Read what the commands of `look` print."""
    zfs = Zfs()
    found: dict[str, dict[str, str]] = {}
    local: dict[str, dict[str, str]] = {}
    for line in rows:
        name, key, rest = line.split("\t", 2)
        value, _tab, source = rest.rpartition("\t")
        found.setdefault(name, {})[key] = value
        if ":" in key and source == "local":
            local.setdefault(name, {})[key] = value
    for name, values in found.items():
        txg = int(values["createtxg"])
        if values["type"] == "filesystem":
            origin = values.get("origin", "-")
            zfs.datasets[name] = Dataset(name, txg, None if origin == "-" else origin)
            continue
        dataset, _at, label = name.partition("@")
        created = datetime.datetime.fromtimestamp(int(values["creation"]), datetime.UTC)
        taken = Snapshot(dataset, label, txg, created, int(values["guid"]), label, int(values["referenced"]))
        taken.deferred, taken.properties = values["defer_destroy"] == "on", local.get(name, {})
        zfs.snapshots[name] = taken
    for line in holds:
        name, tag, when = line.split("\t")
        zfs.snapshots[name].holds[tag] = int(when) if when.isdigit() else 0
    return zfs
