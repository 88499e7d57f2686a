# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task as a module's C(run) sees it, whatever runs it."""

from __future__ import annotations

import os
import time
import typing as t
from contextlib import contextmanager
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.session import Session
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.client import SharedSession
from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.opening import open_session
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import secrecy, settings
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels

Params = t.Mapping[str, t.Any]
Notice = t.Callable[[str], None]

# Seconds that the state of the NAS is believed for.
GOOD_FOR = 5.0


@dataclass(frozen=True)
class Task:
    """What was asked, of which NAS, and whether only to predict."""

    params: Params
    check_mode: bool
    pixels: Pixels
    ssh: settings.Ssh
    warn: Notice
    say: Notice
    """Told how far long work has come; shown to whoever wants to see more."""


Run = t.Callable[[Task], dict[str, t.Any]]


CREDENTIALS = ("api_key", "api_key_file", "password")

# Set by the inventory where it has no variable for the credential it used.
OWN_CREDENTIAL = "pixels_nas_has_own_credential"


def another_credential(nas: str) -> str:
    """Why a credential of the environment or of the configuration file is not sent to a NAS that has its own."""
    return (
        f"{nas} has a credential of its own in the inventory file, which no host variable holds: give it to tasks as "
        "well, in the variable pixels_nas_api_key or pixels_nas_api_key_file of the group of that NAS; no other "
        "credential, such as PIXELS_TRUENAS_API_KEY, is sent there"
    )


class Kept(t.NamedTuple):
    """A conversation that goes on, and when it was last asked what the NAS manages containers with."""

    session: SharedSession
    pixels: Pixels
    asked: float


class Keeper:
    """Shared sessions that one process goes on with: the items of a loop do not begin anew each.

    They end with the process, which in Ansible lives for one task. Sessions that are not shared are not kept.
    """

    def __init__(self, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[t.Hashable, Kept] = {}

    def pixels(self, settled: settings.Settings, notice: Notice) -> Pixels | None:
        """The pixels of a NAS over the session that there is; None where it is not for keeping."""
        what = (settled.endpoint, settled.credential, settled.timeouts, settled.session_idle)
        manners = (settled.session, settled.defaults, settled.dataset_prefix, os.environ.get("XDG_RUNTIME_DIR"))
        key = (os.getpid(), *what, *manners)
        found = self._kept.get(key)
        if found is None:
            session = opened(settled, notice)
            if not isinstance(session, SharedSession):
                session.close()
                return None
            found = Kept(session, pixels_of(session, settled), self._clock())
        elif self._clock() - found.asked > GOOD_FOR:
            found = Kept(found.session, pixels_of(found.session, settled), self._clock())
        self._kept[key] = found
        return found.pixels

    def close(self) -> None:
        kept, self._kept = self._kept, {}
        for each in kept.values():
            each.session.close()


def opened(settled: settings.Settings, notice: Notice) -> SharedSession | Session:
    return open_session(
        settled.endpoint,
        settled.credential,
        settled.timeouts,
        notice,
        mode=settled.session,
        idle=settled.session_idle,
    )


def pixels_of(session: SharedSession | Session, settled: settings.Settings) -> Pixels:
    return Pixels(session, defaults=settled.defaults, dataset_prefix=settled.dataset_prefix)


@contextmanager
def connected(
    given: t.Callable[[str], t.Any],
    *,
    notice: Notice,
    environ: t.Mapping[str, str] | None = None,
    usual: Params | None = None,
    keeper: Keeper | None = None,
) -> t.Iterator[tuple[Pixels, settings.Settings]]:
    """The pixels of the NAS that options or variables name, for as long as the block runs.

    C(given) answers what was set for an option; C(notice) is told of waits; C(environ) stands in for the variables of
    this process, C(usual) for defaults; C(keeper) has a session that goes on. Raises any C(PixelsError).
    """
    found = settings.survey(given, environ=environ, usual=usual)
    settled = settings.settle(found)
    kept = keeper.pixels(settled, notice) if keeper else None
    if kept is not None:
        yield kept, settled
        return
    exposed = secrecy.warning(found)
    if exposed:
        notice(exposed)
    with opened(settled, notice) as session:
        yield pixels_of(session, settled), settled
