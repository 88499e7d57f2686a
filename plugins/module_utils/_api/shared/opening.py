# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a session with a NAS: the one this user's processes share, or one of this process alone."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint, Timeouts
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.budget import LoginBudget
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.rendezvous import (
    NoRendezvous,
    Rendezvous,
    find,
)

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.client import SharedSession

MODES = ("auto", "direct")
IDLE = 60.0


def open_session(
    endpoint: Endpoint,
    credential: Credential,
    timeouts: Timeouts,
    notice: t.Callable[[str], None],
    *,
    mode: str = "auto",
    idle: float = IDLE,
) -> SharedSession | Session:
    """A session, as a context manager, that connects at its first use.

    With the mode C(auto) it is shared, and its holder ends C(idle) seconds after the last call; with C(direct), with no
    C(idle) time, and where sharing is not possible for whatever reason, it is this process's own.
    """
    rendezvous = _rendezvous()

    def go_directly() -> Session:
        return _direct(endpoint, credential, timeouts, notice, rendezvous)

    if mode == "direct" or idle <= 0 or rendezvous is None:
        return go_directly()
    # Only here: who goes by itself waits for what is loaded, as do callers of a holder for what is loaded below.
    import dataclasses

    from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.client import SharedSession
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.identity import VERSION, socket_name
    from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.order import Order

    if not VERSION:
        return go_directly()
    # A holder works in another folder.
    absolute = dataclasses.replace(endpoint, ca_path=os.path.abspath(endpoint.ca_path) if endpoint.ca_path else None)
    try:
        name = socket_name(rendezvous.salt(), absolute, credential, VERSION)
    except (OSError, NoRendezvous):
        return go_directly()
    order = Order(absolute, credential, timeouts, idle, rendezvous.folder, name, VERSION)
    return SharedSession(order, notice=notice, go_directly=go_directly)


def _rendezvous() -> Rendezvous | None:
    try:
        return find()
    except NoRendezvous:
        return None


def _direct(
    endpoint: Endpoint,
    credential: Credential,
    timeouts: Timeouts,
    notice: t.Callable[[str], None],
    rendezvous: Rendezvous | None,
) -> Session:
    # Only here: callers of a holder do without what it takes to speak to a NAS, which takes longer to load.
    from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session

    if rendezvous is None:
        return Session(endpoint, credential, timeouts=timeouts, notice=notice)
    budget = LoginBudget(rendezvous, endpoint)
    return Session(endpoint, credential, timeouts=timeouts, notice=notice, admit=budget.admit)
