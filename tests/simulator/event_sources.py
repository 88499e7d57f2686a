# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send periodic events to subscribers with arguments (middleware `EventSource`)."""

from __future__ import annotations

import asyncio
import typing as t
import uuid
from dataclasses import dataclass

import pydantic

from tests.simulator import framing, replies
from tests.simulator.errors import SimulatedError, ValidationErrors
from tests.simulator.models.base import Model, NonEmpty, triple
from tests.simulator.releases import FANGTOOTH, GOLDEYE, LIBVIRT_HAS

if t.TYPE_CHECKING:
    from tests.simulator.connection import Connection
    from tests.simulator.instance import Instance
    from tests.simulator.world import World

Fields = dict[str, t.Any]
MIB = 1024**2
IDLE_MIB = 64.0
"""What the processes of a container that does nothing take of its memory."""


class OneInstance(Model):
    """25.04: one container, at an interval of its own."""

    interval: t.ClassVar[int] = 2
    id: NonEmpty

    def fields(self, world: World) -> Fields:
        instance = world.instances.get(self.id)
        return charts(instance) | {"error": False, "errname": None}


class AllInstances(Model):
    """25.10: every container."""

    interval: int = pydantic.Field(default=2, ge=2)

    def fields(self, world: World) -> Fields:
        running = [each for each in world.instances.values() if each.status == "RUNNING"]
        return {each.name: charts(each) for each in running}


class AllDomains(Model):
    """TrueNAS 26: every container, by its number."""

    interval: int = pydantic.Field(default=2, ge=2)

    def fields(self, world: World) -> Fields:
        return {str(each.id): domain_charts() for each in world.domains.values() if each.status == "RUNNING"}


def domain_charts() -> Fields:
    return {
        "cpu": {"cpu_user_percentage": 0.0, "cpu_system_percentage": 0.0},
        "mem_usage": {"mem_usage_ram_mib": IDLE_MIB, "mem_usage_swap_mib": 0.0},
        "io": {"io_read_kib_s": 0.0, "io_write_kib_s": 0.0},
        "pids_current": 12,
    }


def charts(instance: Instance | None) -> Fields:
    """What netdata knows of a container, which is nothing unless it runs."""
    if instance is None or instance.status != "RUNNING":
        return {}
    used = IDLE_MIB if instance.memory is None else min(IDLE_MIB, instance.memory / MIB)
    return {
        "cpu": {"cpu_user_percentage": 0.0, "cpu_system_percentage": 0.0},
        "mem_usage": {"mem_usage_ram_mib": used},
        "io": {"io_read_kib_s": 0.0, "io_write_kib_s": 0.0},
    }


Arguments = OneInstance | AllInstances | AllDomains


@dataclass(frozen=True)
class Source:
    """One kind of such events, with what may be asked of it."""

    arguments: type[Arguments]
    roles: tuple[str, ...]

    def asked(self, text: str) -> Arguments:
        """What `name:{...}` asks for. Raises `ValidationErrors`."""
        try:
            return self.arguments.model_validate_json(text or "{}")
        except pydantic.ValidationError as error:
            raise ValidationErrors([triple(each, {}) for each in error.errors(include_url=False)]) from error


METRICS = "virt.instance.metrics"
READ = ("VIRT_INSTANCE_READ",)
SOURCES: dict[str, dict[str, Source]] = {
    FANGTOOTH.name: {METRICS: Source(OneInstance, READ)},
    GOLDEYE.name: {METRICS: Source(AllInstances, READ)},
    **{name: {"container.metrics": Source(AllDomains, ("CONTAINER_READ",))} for name in LIBVIRT_HAS},
}


def find(release: str, event: str) -> Source | None:
    """The source that an event to subscribe to names, if it is one of a source."""
    return SOURCES[release].get(event.partition(":")[0])


class Streams:
    """The sources that one connection listens to; a second subscription to the same one is a second stream."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._running: dict[str, tuple[str, asyncio.Task[None]]] = {}

    def start(self, source: Source, event: str) -> str:
        """Invalid arguments are not an error of this call: they end the stream."""
        ident = str(uuid.uuid4())
        self._running[ident] = event, self._connection.simulator.spawn(self._run(ident, source, event))
        return ident

    def stop(self, ident: str) -> None:
        """One that is none of these is no error."""
        if ident in self._running:
            self._running[ident][1].cancel()
            self._end(ident, None)

    def stop_all(self) -> None:
        """The connection is closed: stop without an event."""
        for _event, task in self._running.values():
            task.cancel()
        self._running.clear()

    async def _run(self, ident: str, source: Source, event: str) -> None:
        try:
            asked = source.asked(event.partition(":")[2])
        except SimulatedError as error:
            self._end(ident, replies.without_trace(error))
            return
        while True:
            fields = asked.fields(self._connection.simulator.world)
            params = {"msg": "added", "collection": event, "fields": fields}
            self._connection.send(framing.notification("collection_update", params))
            await asyncio.sleep(asked.interval)

    def _end(self, ident: str, error: Fields | None) -> None:
        event, _task = self._running.pop(ident)
        self._connection.send(framing.notification("notify_unsubscribed", {"collection": event, "error": error}))
