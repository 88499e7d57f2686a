# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A NAS of TrueNAS 26 as its later releases are, which the simulator does not play."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import Invalid
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Endpoint, Session
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import virt_backend

PROTECTED = ("create", "delete", "destroy", "rollback")


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch) -> None:
    """The simulated NAS settles in hundredths of a second."""
    monkeypatch.setattr(virt_backend, "RETRY_PAUSE_S", 0.02)


class Candidate:
    """A session with a beta, but for what the release candidate does otherwise: facts of TrueNAS 26, table of releases.

    A container is deleted by a job that asks before it destroys, and no other process may change its snapshots.
    """

    def __init__(self, session: Session, truenas: t.Any) -> None:
        self._session = session
        self._truenas = truenas
        self.deleted_with: list[dict[str, bool]] = []

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._session, name)

    def call(self, method: str, *params: t.Any, timeout: float | None = None) -> t.Any:
        service, _dot, action = method.rpartition(".")
        if service.endswith("snapshot") and action in PROTECTED:
            raise Invalid(
                f"{method}: 'tank/x' is a protected path.", fields=((method, "'tank/x' is a protected path."),)
            )
        return self._session.call(method, *params, timeout=timeout)

    def run_job(self, method: str, *params: t.Any, timeout: float | None = None, progress: t.Any = None) -> t.Any:
        if method != "container.delete":
            return self._session.run_job(method, *params, timeout=timeout, progress=progress)
        identity, options = params[0], {"force": False, "recursive": False, **dict(*params[1:])}
        self.deleted_with.append(options)
        world = self._truenas.world
        domain = next(each for each in world.domains.values() if each.id == identity)
        snapshots = [each.id for each in world.snapshots.values() if each.dataset == domain.dataset]
        if domain.status == "RUNNING" and not options["force"]:
            raise self._refusal("force", f"Container '{domain.name}' is running. Stop it first")
        if snapshots and not options["recursive"]:
            raise self._refusal("recursive", f"Container '{domain.name}' dataset has {len(snapshots)} snapshot(s).")
        for each in snapshots:
            self._truenas.run(world.storage.drop(each))
        return self._session.run_job(method, identity, timeout=timeout)

    def _refusal(self, field: str, text: str) -> Invalid:
        return Invalid(f"container_delete.{field}: {text}", fields=((f"container_delete.{field}", text),))


@pytest.fixture
def candidate_of(truenas) -> t.Callable[[Session], Candidate]:
    """Makes a candidate of the beta at the other end of a session."""
    return lambda session: Candidate(session, truenas)


@pytest.fixture
def candidate(session, candidate_of) -> Candidate:
    return candidate_of(session)


@pytest.fixture
def session_of(nas, truenas) -> t.Iterator[t.Callable[..., Session]]:
    """A session of an account with these roles."""
    opened: list[Session] = []

    def open_session(*roles: str) -> Session:
        key = truenas.add_account("limited", roles=roles)
        endpoint = Endpoint(nas["host"], nas["port"], ca_path=nas["ca_path"])
        opened.append(Session(endpoint, Credential("limited", api_key=key)))
        return opened[-1]

    yield open_session
    for each in opened:
        each.close()
