# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of middleware methods: a method that is registered here can be called over the websocket."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from tests.simulator.releases import EVERY

if t.TYPE_CHECKING:
    from tests.simulator.accounts import Login
    from tests.simulator.job import Job
    from tests.simulator.releases import Release
    from tests.simulator.world import World

Handler = t.Callable[..., t.Any]
Lock = t.Callable[..., "str | None"]


class Emit(t.Protocol):
    """Sends `collection_update` to every connection that subscribed to the collection."""

    def __call__(
        self, collection: str, msg: str, *, id: t.Any = None, fields: dict[str, t.Any] | None = None
    ) -> None: ...


@dataclass(frozen=True)
class Context:
    """The context of a call: what a method can use in addition to its arguments."""

    world: World
    release: Release
    username: str
    roles: frozenset[str]
    remote: str
    emit: Emit
    connection: t.Any = None
    simulator: t.Any = None
    login: Login | None = None
    """None without a login (only for methods with `login=False`)."""

    @property
    def full_admin(self) -> bool:
        return "FULL_ADMIN" in self.roles

    @property
    def caller(self) -> Login:
        """Whose call this is, for methods that need a login."""
        if self.login is None:
            raise ValueError("nobody has logged in")
        return self.login

    def may(self, *roles: str) -> bool:
        """Any of these roles is enough, as in the middleware."""
        return self.full_admin or not self.roles.isdisjoint(roles)


@dataclass(frozen=True)
class Method:
    """One middleware method as the wire sees it."""

    name: str
    handler: Handler
    roles: tuple[str, ...] = ()
    login: bool = True
    """False: callable without login, and then counted by the rate limit unless `counted` is False."""
    role_needed: bool = True
    """False: any login will do. True with no `roles`: FULL_ADMIN only."""
    counted: bool = True
    job: bool = False
    lock: Lock | None = None
    lock_queue_size: int = 5
    logs: bool = False
    input_pipe: bool = False
    output_pipe: bool = False
    model: t.Any = None
    """Pydantic model of the arguments (fields in positional order), or None: the handler checks them itself."""
    max_chars: int = 65_536
    private: bool = False
    """Callable like any other, but not listed by `core.get_methods`."""


@dataclass
class Registry:
    """Methods by release and name."""

    methods: dict[str, dict[str, Method]] = field(default_factory=lambda: {release: {} for release in EVERY})

    def add(self, method: Method, releases: t.Iterable[str]) -> None:
        for release in releases:
            if method.name in self.methods[release]:
                raise ValueError(f"{method.name} is registered twice for {release}")
            self.methods[release][method.name] = method

    def find(self, release: str, name: str) -> Method | None:
        return self.methods[release].get(name)


REGISTRY = Registry()


def method(name: str, *, releases: t.Iterable[str] = EVERY, **details: t.Any) -> t.Callable[[Handler], Handler]:
    """Register `handler(context, *args)`, plain or async; what it returns is the result.

    Raise one of `tests.simulator.errors` to answer with an error.
    """

    def register(handler: Handler) -> Handler:
        REGISTRY.add(Method(name=name, handler=handler, **details), releases)
        return handler

    return register


def job(
    name: str, *, releases: t.Iterable[str] = EVERY, **details: t.Any
) -> t.Callable[[t.Callable[..., t.Awaitable[t.Any]]], Handler]:
    """Register `async handler(context, job, *args)`: the wire answers with the id, arguments are checked later."""

    def register(handler: Handler) -> Handler:
        REGISTRY.add(Method(name=name, handler=handler, job=True, **details), releases)
        return handler

    return register


JobHandler = t.Callable[["Context", "Job"], t.Awaitable[t.Any]]
