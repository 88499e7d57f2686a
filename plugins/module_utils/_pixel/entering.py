# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Into a pixel by its name: over SSH to where it is, or through the shell of the NAS."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    MissingLibrary,
    Refused,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names, settings
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.shell import NasShell

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Shell
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

# Seconds. Where there is another way in, one that does not answer is not waited for as long.
ANSWER_WITHIN = 3.0


@contextmanager
def enter(pixels: Pixels, name: str, how: settings.Ssh) -> t.Iterator[Shell]:
    """A shell in a running pixel, for as long as the block runs.

    Raises C(NotFound), C(Refused) when it does not run, C(ConnectionFailed) when it has no address or does not answer.
    """
    found = pixels.get(name)
    if not found.running:
        raise Refused(f"{names.bare_name(found.name)} on {pixels.nas} is {found.status}: start it first")
    with way_in(pixels, found, how) as shell:
        yield shell


def way_in(pixels: Pixels, found: Container, how: settings.Ssh) -> Shell:
    """The way that is asked for; C(auto) is SSH where a server answers, and the shell otherwise.

    A server that has another host key than the pinned one, or takes none of our keys, answers: that is told.
    """
    if how.transport == "shell":
        return NasShell(pixels, found.name)
    if how.transport == "ssh":
        return over_ssh(pixels, found, how, timeout=10.0)
    if found.ipv4 is None:
        return NasShell(pixels, found.name)
    # Only here: what it imports takes longer to load than all the rest.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.ssh import NoAnswer

    try:
        return over_ssh(pixels, found, how, timeout=ANSWER_WITHIN)
    except (NoAnswer, MissingLibrary):
        return NasShell(pixels, found.name)


def over_ssh(pixels: Pixels, found: Container, how: settings.Ssh, *, timeout: float) -> Shell:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.ssh import Login, Ssh

    if found.ipv4 is None:
        raise ConnectionFailed(
            f"{names.bare_name(found.name)} on {pixels.nas} runs, but the NAS reports no IPv4 address for it: "
            "the shell of the NAS needs none (transport: shell)"
        )
    login = Login(found.name, pixels.nas, found.ipv4, port=how.port, user=how.user, key_file=how.key)
    return Ssh(login, pixels.host_keys, timeout=timeout)
