# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of accounts with few roles, and a NAS that settles quickly."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Credential, Endpoint, Session
from ansible_collections.pixels.truenas.plugins.module_utils._truenas import virt_backend


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch) -> None:
    """The simulated NAS settles in hundredths of a second."""
    monkeypatch.setattr(virt_backend, "RETRY_PAUSE_S", 0.02)


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
