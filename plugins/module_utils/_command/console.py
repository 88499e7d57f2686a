# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb console: starts a pixel if need be, and hands the terminal to OpenSSH, or to the shell of the NAS."""

from __future__ import annotations

import os
import re
import shlex
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    Refused,
    TimedOut,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._command import inside, ssh_config
from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names, openssh

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._command.output import Output

WHOLE = 60.0
HINT = "provision the pixel, or enter it with --transport shell"
SESSION = re.compile(r"[a-zA-Z0-9._-]+")


def enter(asked: argparse.Namespace, output: Output) -> int:
    return go_in(Place(asked, output), asked.name, session=asked.session)


def go_in(place: Place, name: str, *, session: str | None = None) -> int:
    """Over SSH it does not come back: the process becomes ssh."""
    if session is not None and not SESSION.fullmatch(session):
        raise Invalid(f"invalid session name {session!r}: must match [a-zA-Z0-9._-]")
    line = keeping(session, names.bare_name(name)) if session else None
    if place.ssh.transport == "shell":
        return by_shell(place, name, line)
    program = openssh.program()
    if program is None:
        if place.ssh.transport == "ssh":
            raise Unsupported("a console over SSH needs OpenSSH on this machine, and there is no ssh")
        return by_shell(place, name, line)
    try:
        master = way_in(place, name)
    except TimedOut as late:
        # No SSH server answered in all that time.
        if place.ssh.transport == "ssh":
            raise
        place.output.complain(f"{late}: going through the shell of {place.nas}")
        return by_shell(place, name, line)
    argv = console(program, master, place, line)
    if place.output.json:
        place.output.give({"name": names.bare_name(name), "command": argv})
        return 0
    variables = dict(place.ssh.variables)
    if variables and (refused := master.refuses(variables)):
        place.output.complain(
            f"The SSH server of {names.bare_name(name)} takes no {', '.join(refused)} (AcceptEnv): {HINT}"
        )
    os.execve(program, argv, {**openssh.surroundings(), **variables})
    raise AssertionError("unreachable")


def way_in(place: Place, name: str) -> openssh.Master:
    """The open connection to a pixel, which is started if it is stopped."""
    started = not inside.last_address(place, names.full_name(name)) and start_if_stopped(place, name)
    try:
        master = inside.open_way(place, name).master
    except Refused:
        started = start_if_stopped(place, name)
        master = inside.open_way(place, name).master
    if started:
        ssh_config.keep_up_to_date(place)
    return master


def by_shell(place: Place, name: str, line: str | None) -> int:
    """Through the shell of the NAS; the exit status of what ran there."""
    from ansible_collections.pixels.truenas.plugins.module_utils._command import through_nas

    command = through_nas.console(place, line)
    if place.output.json:
        again = ["pixels", "exec", "--transport", "shell", "-t", names.bare_name(name), "--", *command.argv]
        place.output.give({"name": names.bare_name(name), "command": again})
        return 0
    start_if_stopped(place, name)
    return through_nas.run(place, name, command, terminal=True)


def console(program: str, master: openssh.Master, place: Place, line: str | None) -> list[str]:
    """What to run: over the open connection where it lasts, else over one of its own to the same machine."""
    shared = ["-S", str(master.socket or "none"), "-o", "ControlMaster=no"]
    how = openssh.options(master.login, place.host_keys, only_pinned=True)
    quiet = ["-o", "LogLevel=ERROR"]
    sent = openssh.sending(name for name, _value in place.ssh.variables)
    return [program, "-t", *shared, *quiet, *sent, *how, master.login.address, *([line] if line else [])]


def keeping(session: str, bare: str) -> str:
    """One line for a shell in the pixel: into a session that outlives the connection, with whatever keeps one there."""
    name = shlex.quote(session)
    alone = shlex.quote(f"pixels: neither tmux nor screen is in {bare}: what runs here ends with the connection")
    return (
        f"if command -v tmux >/dev/null 2>&1; then exec tmux new-session -A -s {name}; "
        f"elif command -v screen >/dev/null 2>&1; then exec screen -D -RR -S {name}; "
        f'else echo {alone} >&2; exec "${{SHELL:-/bin/sh}}" -l; fi'
    )


def start_if_stopped(place: Place, name: str) -> bool:
    """Whether it was, and is no more."""
    found = place.pixels.get(name)
    if found.running:
        return False
    bare = names.bare_name(name)
    place.output.complain(f"Starting {bare}...")
    place.pixels.containers.start(found.name, timeout=WHOLE)
    return True
