# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs exec and console through the web shell: for pixels without an address, SSH server or key."""

from __future__ import annotations

import os
import stat
import sys
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._cli import openssh_route
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import pipes
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

CHUNK_BYTES = 256 * 1024

# As in an SSH login: the login shell of root, and the variables that name the user.
LOGIN = """\
entry=$(getent passwd root 2>/dev/null || grep '^root:' /etc/passwd)
SHELL=${entry##*:} USER=root LOGNAME=root HOME=/root
export SHELL USER LOGNAME HOME
case $SHELL in */nologin | */false) SHELL=/bin/sh ;; esac
[ -x "$SHELL" ] || SHELL=/bin/sh
cd && """
LOGIN_SHELL = 'exec "$SHELL" -l'


def run(context: CliContext, name: PixelName, command: Command, *, terminal: bool) -> int:
    """Run a command with the standard streams of this process. Return its exit status."""
    found = openssh_route.running(context, name)
    with WebShellClient(context.pixels, found.name) as shell:
        if terminal:
            from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.terminal import (
                LocalTerminal,
            )

            with LocalTerminal() as local:
                return shell.run_at_terminal(command, local)
        more = read if has_input() else None
        return shell.run(command, out=pipes.write_stdout, err=write_stderr, more=more).rc


def console(context: CliContext, line: str | None) -> Command:
    """Return the command of a console: a login shell, or the shell command `line`."""
    return Command(("/bin/sh", "-c", LOGIN + (line or LOGIN_SHELL)), environment=dict(context.ssh.variables))


def has_input() -> bool:
    """Return whether stdin may have input: it is open and not /dev/null."""
    try:
        found = os.fstat(0)
    except OSError:
        return False
    return not (stat.S_ISCHR(found.st_mode) and found.st_rdev == os.stat(os.devnull).st_rdev)


def read() -> bytes:
    """Read from stdin."""
    return os.read(0, CHUNK_BYTES)


def write_stderr(piece: bytes) -> None:
    """Write to stderr."""
    sys.stderr.buffer.write(piece)
    sys.stderr.buffer.flush()
