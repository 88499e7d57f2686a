# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task as a module's C(run) sees it, whatever runs it."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.shared.opening import open_session
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import settings
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels

Params = t.Mapping[str, t.Any]
Notice = t.Callable[[str], None]


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


@contextmanager
def connected(
    given: t.Callable[[str], t.Any],
    *,
    notice: Notice,
    environ: t.Mapping[str, str] | None = None,
    usual: Params | None = None,
) -> t.Iterator[tuple[Pixels, settings.Settings]]:
    """The pixels of the NAS that options or variables name, for as long as the block runs.

    C(given) answers what was set for an option; C(notice) is told of waits; C(environ) stands in for the variables of
    this process, C(usual) for defaults. Raises any C(PixelsError).
    """
    settled = settings.resolve(given, environ=environ, usual=usual)
    with open_session(
        settled.endpoint,
        settled.credential,
        settled.timeouts,
        notice,
        mode=settled.session,
        idle=settled.session_idle,
    ) as session:
        yield Pixels(session, defaults=settled.defaults, dataset_prefix=settled.dataset_prefix), settled
