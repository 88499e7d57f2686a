# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell lines that run a command in a pixel over SSH and that send signals to it."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command


def shell_line(command: Command, user: str, token: str, *, sent: bool = False) -> str:
    """Return the line that runs a command in the login shell of `user`.

    The shell waits for the command and survives signals, so that SSH can report an exit status. `signal_line` finds
    the shell by `token`, which is part of its command line. `sent` is as for `Command.as_login_shell`.
    """
    return f"trap : HUP INT QUIT TERM; : {token}; {command.as_login_shell(user, sent=sent)}; exit $?"


def signal_line(token: str, number: int) -> str:
    """Return the line that sends a signal to a command and its child processes.

    `sshd` runs each command in a session of its own, led by the shell whose command line has `token`.
    """
    # The token is quoted in two halves, otherwise the search would find its own process.
    half = len(token) // 2
    pattern = f"*': {token[:half]}''{token[half:]};'*"
    kill = f"case $(tr '\\0' ' ' <\"$p/cmdline\") in {pattern}) kill -{number} -\"${{p#/proc/}}\";; esac"
    return f"for p in /proc/[0-9]*; do {kill}; done 2>/dev/null"
