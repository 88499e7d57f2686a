# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connect a task to a NAS, and describe it for the `run` function of a module."""

from __future__ import annotations

import os
import time
import typing as t
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.client import SharedSession
from ansible_collections.pixels.truenas.plugins.module_utils._api.daemon.open_session import open_session
from ansible_collections.pixels.truenas.plugins.module_utils._api.redaction import masking
from ansible_collections.pixels.truenas.plugins.module_utils._api.safe_text import safe_text
from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.config import exposure, resolver, settings
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels

Params = t.Mapping[str, t.Any]
Notice = t.Callable[[str], None]

BACKEND_VALID_S = 5.0
"""Seconds after which a cached session detects the container backend of the NAS again."""

FRESH_LOGIN_WAIT_S = 10.0
"""Seconds that a login which proves that the NAS answers waits for the login limit."""

OWN_CREDENTIAL = "pixels_nas_has_own_credential"
"""Variable that the inventory sets if no host variable leads to the credential that it used."""


def shown_safely(show: Notice) -> Notice:
    """Return a function that shows a text from a NAS or a guest after making it safe for a terminal."""
    return lambda text: show(safe_text(text))


@dataclass(frozen=True)
class Task:
    """The parameters of a task, and the NAS that it is about."""

    params: Params
    check_mode: bool
    pixels: Pixels
    ssh: settings.SshSettings
    warn: Notice
    say: Notice
    """Shows the progress of long operations, if Ansible runs with a higher verbosity."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "warn", shown_safely(self.warn))
        object.__setattr__(self, "say", shown_safely(self.say))


Run = t.Callable[[Task], dict[str, t.Any]]


def secrets_of(used: settings.Settings) -> set[str]:
    """Return the secrets that are masked in results, regardless of where they are set."""
    return {secret for secret in (used.credential.api_key, used.credential.password) if secret}


def missing_own_credential(nas: str) -> str:
    """Return the error for a NAS whose credential only the inventory file has: no other one is sent to it."""
    return (
        f"{nas} has a credential of its own in the inventory file, which tasks cannot read: set the variable "
        "pixels_nas_api_key or pixels_nas_api_key_file of the group of that NAS. No other credential, such as "
        "PIXELS_TRUENAS_API_KEY, is sent to it"
    )


class CachedSession(t.NamedTuple):
    """A session, and when the backend of the NAS was detected, in seconds of the clock of the cache."""

    session: SharedSession
    pixels: Pixels
    detected: float


class SessionCache:
    """Shared sessions that the items of a loop use one after another. Other sessions are not cached.

    The sessions end with the process, which Ansible starts for each task.
    """

    def __init__(self, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: dict[t.Hashable, CachedSession] = {}

    def pixels(self, used: settings.Settings, notice: Notice, warn: Notice | None = None) -> Pixels | None:
        """Return the pixels of a NAS over a cached session; None if the session cannot be shared."""
        warn = warn or notice
        connection = (used.endpoint, used.credential, used.timeouts, used.session_idle, used.session)
        key = (os.getpid(), *connection, used.defaults, used.dataset_prefix, os.environ.get("XDG_RUNTIME_DIR"))
        cached = self._sessions.get(key)
        if cached is None:
            session = connect(used, notice)
            if not isinstance(session, SharedSession):
                session.close()
                return None
            cached = CachedSession(session, pixels_of(session, used, warn), self._clock())
        elif self._clock() - cached.detected > BACKEND_VALID_S:
            cached = CachedSession(cached.session, pixels_of(cached.session, used, warn), self._clock())
        self._sessions[key] = cached
        return cached.pixels

    def close(self) -> None:
        """Close all sessions."""
        sessions, self._sessions = self._sessions, {}
        for cached in sessions.values():
            cached.session.close()


def connect(used: settings.Settings, notice: Notice) -> SharedSession | Session:
    """Return a session with the NAS. Raise any `PixelsError`."""
    return open_session(
        used.endpoint, used.credential, used.timeouts, notice, mode=used.session, idle=used.session_idle
    )


def pixels_of(session: SharedSession | Session, used: settings.Settings, warn: Notice) -> Pixels:
    """Return the pixels of the NAS of a session; credentials are masked in warnings."""
    return Pixels(
        session,
        defaults=used.defaults,
        dataset_prefix=used.dataset_prefix,
        warn=masking(warn, used.credential),
        open_session=lambda: open_session(
            used.endpoint,
            used.credential,
            # A change of the network is taken back before the login limit of the NAS is over.
            replace(used.timeouts, login_wait=min(used.timeouts.login_wait, FRESH_LOGIN_WAIT_S)),
            warn,
            mode="direct",
        ),
    )


@contextmanager
def connected(
    given: t.Callable[[str], t.Any],
    *,
    notice: Notice,
    environ: t.Mapping[str, str] | None = None,
    defaults: Params | None = None,
    cache: SessionCache | None = None,
    warn: Notice | None = None,
) -> t.Iterator[tuple[Pixels, settings.Settings]]:
    """Yield the pixels of the NAS that options or variables select, and the settings. Raise any `PixelsError`.

    `given` returns the value of an option, None if it is not set. `notice` shows messages about waiting, and `warn`
    warnings about invalid values from the NAS; it defaults to `notice`. `environ` replaces the variables of this
    process, and `defaults` those of the schema. `cache` provides a session that is used again.
    """
    warn = shown_safely(warn or notice)
    notice = shown_safely(notice)
    resolved = resolver.resolve(given, environ=environ, defaults=defaults)
    used = settings.build(resolved)
    cached = cache.pixels(used, notice, warn) if cache else None
    if cached is not None:
        yield cached, used
        return
    exposed = exposure.warning(resolved)
    if exposed:
        notice(exposed)
    with connect(used, notice) as session:
        yield pixels_of(session, used, warn), used
