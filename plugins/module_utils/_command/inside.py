# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way into a pixel with OpenSSH: by the open connection, to where it was last seen, or where the NAS says."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    NotPermitted,
    Refused,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import host_keys, names, openssh, readiness, warm
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.login import Login
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

# Seconds: for a pixel that just started, and for an address that may have become somebody else's.
PATIENCE = 30.0
SUSPICION = 3


class Way(t.NamedTuple):
    """An open connection to a pixel."""

    master: openssh.Master
    asked_the_nas: bool

    def run(self, command: Command, **how: t.Any) -> int:
        return self.master.run(command, **how)


def run(place: Place, name: str, command: Command, **how: t.Any) -> int:
    """Run a command in a pixel, C(how) as C(openssh.Master.run) has it, by the shortest way that works."""
    way = open_way(place, name)
    # What is noted is done without Python, which alone knows the variables of a session.
    if way.master.socket and not place.by_options and not place.survey.environment.names:
        warm.note(names.full_name(name), way.master.socket, place.survey.file, os.environ)
    try:
        return way.run(command, **how)
    except openssh.NotBegun:
        # The socket was there, its connection was not.
        way.master.open(only_pinned=not way.asked_the_nas)
        return way.run(command, **how)


def open_way(place: Place, name: str) -> Way:
    """Raises C(NotFound), C(Refused) when it does not run, C(ConnectionFailed), C(NotPermitted)."""
    full = names.full_name(name)
    known = last_address(place, full)
    if known:
        master = openssh.Master(login(place, full, known), place.host_keys)
        if master.is_open:
            place.output.detail(f"{full}: over the connection that is open, {master.socket}")
            return Way(master, asked_the_nas=False)
        try:
            master.open(only_pinned=True, timeout=SUSPICION)
        except (ConnectionFailed, NotPermitted):
            # Somewhere else by now, or stopped: the NAS knows.
            place.output.detail(f"{full}: no longer at {known}")
            place.addresses.forget(full)
        else:
            place.output.detail(f"{full}: at {known}, where it was last seen")
            return Way(master, asked_the_nas=False)
    found = running(place, name)
    master = openssh.Master(login(place, full, address_of(place, found)), place.host_keys)
    master.open()
    place.output.detail(f"{full}: at {master.login.address}, as the NAS says")
    place.addresses.note(full, master.login.address)
    return Way(master, asked_the_nas=True)


def last_address(place: Place, full: str) -> str | None:
    """Where a pixel was last seen, if its host key is known: it alone tells it from others that may be there now."""
    if not place.host_keys.find(host_keys.alias(full, place.nas)):
        return None
    return place.addresses.find(full)


def login(place: Place, full: str, address: str) -> Login:
    return Login(full, place.nas, address, port=place.ssh.port, user=place.ssh.user, key_file=place.ssh.key)


def running(place: Place, name: str) -> Container:
    """The pixel as the NAS has it. Raises C(NotFound), and C(Refused) when it does not run."""
    found = place.pixels.get(name)
    if not found.running:
        bare = names.bare_name(found.name)
        raise Refused(f"{bare} on {place.nas} is {found.status}: start it first (pixels start {bare})")
    return found


def address_of(place: Place, found: Container) -> str:
    """Its address, once an SSH server answers there. Raises C(TimedOut)."""
    deadline = Deadline(PATIENCE)
    there = readiness.wait_for(place.pixels, found.name, "ssh", deadline=deadline, ssh_port=place.ssh.port)
    if there is None or there.ipv4 is None:
        raise ConnectionFailed(f"{names.bare_name(found.name)} on {place.nas} went away while it was waited for")
    return there.ipv4
