# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send events to subscribers (middleware `core.subscribe` and `collection_update`)."""

from __future__ import annotations

import asyncio
import errno as errnos
import typing as t
import uuid

from tests.simulator import event_sources, framing
from tests.simulator.errors import CallError
from tests.simulator.registry import REGISTRY

if t.TYPE_CHECKING:
    from tests.simulator.accounts import Login
    from tests.simulator.connection import Connection
    from tests.simulator.job import Job

JOBS = "core.get_jobs"
EVERYTHING = "*"


class Subscriptions:
    """What one connection wants to hear of."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def add(self, name: str) -> str:
        ident = str(uuid.uuid4())
        self._names[ident] = name
        return ident

    def remove(self, ident: str) -> None:
        """An unknown one is no error."""
        self._names.pop(ident, None)

    def clear(self) -> None:
        self._names.clear()

    def __contains__(self, name: str) -> bool:
        # subscribing twice does not deliver twice
        return name in self._names.values() or EVERYTHING in self._names.values()


class Events:
    """Sends to every connection that subscribed; nothing is kept for those that come later."""

    def __init__(self, connections: t.Iterable[Connection], *, loop: asyncio.AbstractEventLoop) -> None:
        self._connections = connections
        self._loop = loop

    def emit(self, collection: str, msg: str, *, id: t.Any = None, fields: dict[str, t.Any] | None = None) -> None:
        """Callable from any thread; from the loop's own the event is sent before anything that follows."""
        if _running_loop() is not self._loop:
            self._loop.call_soon_threadsafe(self._send, collection, msg, id, fields)
        else:
            self._send(collection, msg, id, fields)

    def job(self, job: Job, msg: str) -> None:
        """Send the complete job, with its unmasked result, to the logins that may see it."""
        fields = job.row(raw_result=True)
        for connection in list(self._connections):
            login = connection.peer.login
            if login is not None and JOBS in connection.subscriptions and job.visible_to(login):
                connection.send(_update(JOBS, msg, job.id, fields))

    def _send(self, collection: str, msg: str, id: t.Any, fields: dict[str, t.Any] | None) -> None:
        for connection in list(self._connections):
            if collection in connection.subscriptions:
                connection.send(_update(collection, msg, id, fields))


def check_may_subscribe(release: str, name: str, login: Login) -> None:
    """An event needs a role of the method it is named after, or its source's; a full admin may name anything.

    Raises `CallError`.
    """
    if name == JOBS or login.full_admin:
        return
    owner = event_sources.find(release, name) or REGISTRY.find(release, name)
    if owner is None or login.roles.isdisjoint(owner.roles):
        raise CallError("Not authorized", errnos.EACCES)


def _update(collection: str, msg: str, id: t.Any, fields: dict[str, t.Any] | None) -> dict[str, t.Any]:
    params: dict[str, t.Any] = {"msg": msg, "collection": collection}
    if id is not None:
        params["id"] = id
    if fields is not None:
        params["fields"] = fields
    return framing.notification("collection_update", params)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
