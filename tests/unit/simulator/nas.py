# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call methods of the simulated NAS without a connection."""

from __future__ import annotations

import asyncio
import inspect
import typing as t
from pathlib import Path

from tests.simulator import methods
from tests.simulator.engines.base import Stat
from tests.simulator.engines.paper import PaperEngine
from tests.simulator.errors import SimulatedError
from tests.simulator.faults import Fault
from tests.simulator.job import Job
from tests.simulator.models.base import accept
from tests.simulator.registry import REGISTRY, Context
from tests.simulator.releases import RELEASES
from tests.simulator.world import World, WorldOptions

methods.load()

FULL_ADMIN = ("FULL_ADMIN",)


class LinkedPaperEngine(PaperEngine):
    """Containers on paper whose files may be symlinks."""

    def __init__(self) -> None:
        super().__init__()
        self.links: dict[tuple[str, str], str] = {}

    async def stat(self, container: str, path: str) -> Stat | None:
        target = self.links.get((container, path))
        if target is not None:
            return Stat("SYMLINK", len(target), 0o120777, 0, 0, 0.0, target)
        return await super().stat(container, path)


class Faults:
    """Every fault that was named strikes once."""

    def __init__(self, *names: str) -> None:
        self.waiting = list(names)

    def take(self, name: str, method: str | None = None) -> Fault | None:
        if name not in self.waiting:
            return None
        self.waiting.remove(name)
        return Fault(name, method, times=1)


class Nas:
    """A world with its loop standing still between two calls."""

    def __init__(self, state_dir: Path, release: str = "25.10", **options: t.Any) -> None:
        options = {"address_seconds": 0.0} | options
        self.release = RELEASES[release]
        self.engine = LinkedPaperEngine()
        self.world = World(self.release, WorldOptions(state_dir, **options), self.engine)
        self.events: list[tuple[str, str, t.Any, t.Any]] = []
        self.progress: list[str] = []
        self.job: Job | None = None
        """The last job, with its log and its output."""
        self._runner = asyncio.Runner()
        self.run(self.world.open())

    def close(self) -> None:
        self._runner.close()

    def run(self, work: t.Coroutine[t.Any, t.Any, t.Any]) -> t.Any:
        return self._runner.run(work)

    def wait(self, seconds: float = 0.01) -> None:
        """Let what is due happen."""
        self.run(asyncio.sleep(seconds))

    def wait_until(self, happened: t.Callable[[], bool]) -> None:
        """Let what is due happen, until it shows."""

        async def wait() -> None:
            async with asyncio.timeout(30):
                while not happened():
                    await asyncio.sleep(0.01)

        self.run(wait())

    def add(self, name: str, status: str = "RUNNING", **details: t.Any) -> t.Any:
        """Of Incus' instances or of libvirt's domains, as the release has it."""
        return self.run(self.world.seed(name, status, **details))

    def snapshot(self, name: str, *labels: str) -> list[str]:
        """Take snapshots of a container, one after the other; returns their ids."""
        dataset = self.world.containers[name].dataset
        for label in labels:
            self.run(self.world.storage.take(dataset, label))
        return [f"{dataset}@{label}" for label in labels]

    def call(self, name: str, *params: t.Any, roles: tuple[str, ...] = FULL_ADMIN) -> t.Any:
        """The result; a job is run to its end. Raises what the method raises."""
        return self.run(self.calling(name, *params, roles=roles))

    def refusal(self, name: str, *params: t.Any, roles: tuple[str, ...] = FULL_ADMIN) -> t.Any:
        """The error that the method answers with."""
        try:
            result = self.call(name, *params, roles=roles)
        except SimulatedError as error:
            return error
        raise AssertionError(f"{name} was not refused but answered {result!r}")

    async def calling(self, name: str, *params: t.Any, roles: tuple[str, ...] = FULL_ADMIN) -> t.Any:
        method = REGISTRY.find(self.release.name, name)
        if method is None:
            raise AssertionError(f"{self.release.name} has no method {name}")
        context = Context(self.world, self.release, "tester", frozenset(roles), "127.0.0.1", self.emit)
        arguments = params if method.model is None else accept(method.model, params)
        if method.job:
            self.job = Job(
                1, name, list(params), release=self.release, login=None, changed=self._changed, with_logs=True
            )
            arguments = (self.job, *arguments)
        result = method.handler(context, *arguments)
        return await result if inspect.isawaitable(result) else result

    def has(self, name: str) -> bool:
        return REGISTRY.find(self.release.name, name) is not None

    def emit(self, collection: str, msg: str, *, id: t.Any = None, fields: t.Any = None) -> None:
        self.events.append((collection, msg, id, fields))

    def _changed(self, job: Job, msg: str) -> None:
        self.progress.append(job.progress["description"])
