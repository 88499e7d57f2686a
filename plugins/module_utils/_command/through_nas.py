# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs exec and console through the shell of the NAS: in pixels without an address, an SSH server or our key."""

from __future__ import annotations

import os
import stat
import sys
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._command import inside
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.shell import NasShell

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._command.place import Place

CHUNK = 256 * 1024

# As a login over SSH has it: the shell that root has in the pixel, and what says who that is.
LOGIN = """\
who=$(getent passwd root 2>/dev/null || grep '^root:' /etc/passwd)
SHELL=${who##*:} USER=root LOGNAME=root HOME=/root
export SHELL USER LOGNAME HOME
[ -x "$SHELL" ] || SHELL=/bin/sh
cd && """
IN_A_SHELL = 'exec "$SHELL" -l'


def run(place: Place, name: str, command: Command, *, terminal: bool) -> int:
    """The command's exit status; its input and outputs are ours, and go as they come."""
    found = inside.running(place, name)
    with NasShell(place.pixels, found.name) as shell:
        if terminal:
            from ansible_collections.pixels.truenas.plugins.module_utils._pixel.seat import Seat

            with Seat(place.pixels, found.name) as seat:
                return shell.run_at_terminal(command, seat)
        more = read if has_input() else None
        return shell.run(command, out=to(sys.stdout), err=to(sys.stderr), more=more).rc


def console(place: Place, line: str | None) -> Command:
    """What a console runs: a login shell, or in its stead a C(line) for one."""
    return Command(("/bin/sh", "-c", LOGIN + (line or IN_A_SHELL)), environment=dict(place.ssh.variables))


def has_input() -> bool:
    """Whether there may be something to read: of what has nothing, nobody needs to be asked."""
    try:
        found = os.fstat(0)
    except OSError:
        return False
    return not (stat.S_ISCHR(found.st_mode) and found.st_rdev == os.stat(os.devnull).st_rdev)


def read() -> bytes:
    return os.read(0, CHUNK)


def to(stream: t.TextIO) -> t.Callable[[bytes], None]:
    def write(piece: bytes) -> None:
        stream.buffer.write(piece)
        stream.buffer.flush()

    return write
