# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb exec where this machine has no OpenSSH: the same by paramiko, with input and outputs as they come."""

from __future__ import annotations

import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._command import inside
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command


def run(place: Place, name: str, command: Command, *, terminal: bool) -> int:
    """The command's exit status. Raises what C(inside.run) raises."""
    # Only here: it takes longer to load than all the rest.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel import ssh, streaming

    full = names.full_name(name)
    address = inside.address_of(place, inside.running(place, name))
    with ssh.Ssh(inside.login(place, full, address), place.host_keys) as shell:
        return streaming.run(shell, command, terminal=terminal)
