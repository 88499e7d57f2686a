# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Into a pixel by its name: looks up where it is, and opens a shell there."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionFailed, Refused
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names, settings, ssh

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Shell
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels


@contextmanager
def enter(pixels: Pixels, name: str, how: settings.Ssh) -> t.Iterator[Shell]:
    """A shell in a running pixel, for as long as the block runs.

    Raises C(NotFound), C(Refused) when it does not run, C(ConnectionFailed) when it has no address or does not answer.
    """
    found = pixels.get(name)
    bare = names.bare_name(found.name)
    if not found.running:
        raise Refused(f"{bare} on {pixels.nas} is {found.status}: start it first")
    if found.ipv4 is None:
        raise ConnectionFailed(f"{bare} on {pixels.nas} runs, but the NAS reports no IPv4 address for it")
    login = ssh.Login(found.name, pixels.nas, found.ipv4, port=how.port, user=how.user, key_file=how.key)
    with ssh.Ssh(login, pixels.host_keys) as shell:
        yield shell
