# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb console: start a pixel if it is stopped, and open a console over OpenSSH or the web shell."""

from __future__ import annotations

import os
import re
import shlex
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    Invalid,
    Refused,
)
from ansible_collections.pixels.truenas.plugins.module_utils._cli import openssh_route, ssh_config
from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import control_master, openssh
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_probe import NoSshServer
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

if t.TYPE_CHECKING:
    import argparse

    from ansible_collections.pixels.truenas.plugins.module_utils._cli.output import Output

START_TIMEOUT_S = 60.0
HINT = "Provision the pixel, or use --transport shell"
SESSION = re.compile(r"[a-zA-Z0-9._-]+")


def enter(args: argparse.Namespace, output: Output) -> int:
    """Open a console in a pixel."""
    return open_console(CliContext(args, output), PixelName.parse(args.name), session=args.session)


def open_console(context: CliContext, name: PixelName, *, session: str | None = None) -> int:
    """Open a console. Over SSH, this process becomes ssh."""
    if session is not None and not SESSION.fullmatch(session):
        raise Invalid(f"invalid session name {session!r}: must match [a-zA-Z0-9._-]")
    line = in_session_manager(session, name.bare) if session else None
    if context.ssh.transport == "shell":
        return by_web_shell(context, name, line)
    try:
        program = openssh_route.client_program(context)
        master = open_ssh_route(context, name)
    except NoSshServer as reason:
        context.output.error(f"{reason}: using the web shell of {context.nas}")
        return by_web_shell(context, name, line)
    argv = console(program, master, context, line)
    if context.output.json:
        context.output.print_json({"name": name.bare, "command": argv})
        return 0
    variables = dict(context.ssh.variables)
    if variables and (refused := master.rejected_variables(variables)):
        context.output.error(f"the SSH server of {name.bare} does not accept {', '.join(refused)} (AcceptEnv). {HINT}")
    os.execve(program, argv, {**openssh.ssh_environment(), **variables})
    raise AssertionError("unreachable")


def open_ssh_route(context: CliContext, name: PixelName) -> control_master.ControlMaster:
    """Return an open connection to a pixel, and start the pixel if it is stopped."""
    # A known host key means that the pixel has an SSH server, which takes a while after a start.
    is_known = bool(context.host_keys.find(known_hosts.alias(name, context.nas)))
    started = not openssh_route.last_address(context, name) and start_if_stopped(context, name)
    try:
        master = openssh_route.open_route(context, name, wait_for_server=started and is_known).master
    except Refused:
        started = start_if_stopped(context, name)
        master = openssh_route.open_route(context, name, wait_for_server=is_known).master
    if started:
        ssh_config.keep_up_to_date(context)
    return master


def by_web_shell(context: CliContext, name: PixelName, line: str | None) -> int:
    """Open a console in the web shell. Return the exit status of the shell."""
    from ansible_collections.pixels.truenas.plugins.module_utils._cli import web_shell_route

    command = web_shell_route.console(context, line)
    if context.output.json:
        again = ["pixels", "exec", "--transport", "shell", "-t", name.bare, "--", *command.argv]
        context.output.print_json({"name": name.bare, "command": again})
        return 0
    start_if_stopped(context, name)
    return web_shell_route.run(context, name, command, terminal=True)


def console(program: str, master: control_master.ControlMaster, context: CliContext, line: str | None) -> list[str]:
    """Return the ssh command line: over the open connection if it is still open, otherwise to the same address."""
    shared = ["-S", str(master.socket or "none"), "-o", "ControlMaster=no"]
    options = openssh.options(master.target, context.host_keys, only_pinned=True)
    quiet = ["-o", "LogLevel=ERROR"]
    sent = openssh.sending(name for name, _value in context.ssh.variables)
    return [program, "-t", *shared, *quiet, *sent, *options, master.target.address, *([line] if line else [])]


def in_session_manager(session: str, bare: str) -> str:
    """Return a shell command that opens a session of tmux or screen, which outlives the connection."""
    name = shlex.quote(session)
    warning = shlex.quote(f"pixels: {bare} has neither tmux nor screen: this shell ends with the connection")
    return (
        f"if command -v tmux >/dev/null 2>&1; then exec tmux new-session -A -s {name}; "
        f"elif command -v screen >/dev/null 2>&1; then exec screen -D -RR -S {name}; "
        f'else echo {warning} >&2; exec "${{SHELL:-/bin/sh}}" -l; fi'
    )


def start_if_stopped(context: CliContext, name: PixelName) -> bool:
    """Start a pixel if it is stopped. Return whether it was."""
    found = context.pixels.get(name)
    if found.running:
        return False
    context.output.error(f"Starting {name.bare}...")
    context.pixels.containers.start(found.name, timeout=START_TIMEOUT_S)
    if found.metadata.egress:
        # Only here: most consoles need nothing of it.
        from ansible_collections.pixels.truenas.plugins.module_utils._pixel.egress import record

        record.enforce_recorded(context.pixels, found.name, is_new=True)
    return True
