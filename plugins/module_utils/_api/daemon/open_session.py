# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open a session with a NAS: the one that this user's processes share, or one of this process alone."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.login_limiter import LoginRateLimiter
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.runtime_dir import (
    NoRuntimeDir,
    RuntimeDir,
    find,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint, Timeouts

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client import SharedSession
    from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session

IDLE_S = 60.0


def open_session(
    endpoint: Endpoint,
    credential: Credential,
    timeouts: Timeouts,
    notice: t.Callable[[str], None],
    *,
    mode: str = "auto",
    idle: float = IDLE_S,
) -> SharedSession | Session:
    """Return a session, a context manager that connects on first use.

    With the mode `auto` the session is shared, and its daemon ends `idle` seconds after the last call. With the mode
    `direct`, with an `idle` of 0, and where no daemon is possible, the session belongs to this process alone.
    """
    runtime_dir = _find_runtime_dir()

    def open_direct() -> Session:
        return _open_direct(endpoint, credential, timeouts, notice, runtime_dir)

    if mode == "direct" or idle <= 0 or runtime_dir is None:
        return open_direct()
    # Imported here to save the other kind of session the loading time.
    import dataclasses

    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client import SharedSession
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.identity import VERSION, socket_name
    from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.startup_config import DaemonConfig

    if not VERSION:
        return open_direct()
    # The daemon has another working directory.
    absolute = dataclasses.replace(endpoint, ca_path=os.path.abspath(endpoint.ca_path) if endpoint.ca_path else None)
    try:
        name = socket_name(runtime_dir.salt(), absolute, credential, VERSION)
    except (OSError, NoRuntimeDir):
        return open_direct()
    config = DaemonConfig(absolute, credential, timeouts, idle, runtime_dir.directory, name, VERSION)
    return SharedSession(config, notice=notice, open_direct=open_direct)


def _find_runtime_dir() -> RuntimeDir | None:
    try:
        return find()
    except NoRuntimeDir:
        return None


def _open_direct(
    endpoint: Endpoint,
    credential: Credential,
    timeouts: Timeouts,
    notice: t.Callable[[str], None],
    runtime_dir: RuntimeDir | None,
) -> Session:
    # Imported here: clients of the daemon need no code that talks to a NAS, which takes longer to load.
    from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session

    if runtime_dir is None:
        return Session(endpoint, credential, timeouts=timeouts, notice=notice)
    limiter = LoginRateLimiter(runtime_dir, endpoint)
    return Session(endpoint, credential, timeouts=timeouts, notice=notice, admit=limiter.admit)
