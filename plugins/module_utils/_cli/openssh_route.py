# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connect to a pixel with OpenSSH: over an open connection, at its last known address, or at the one on the NAS."""

from __future__ import annotations

import os
import time
import typing as t

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    Refused,
    TimedOut,
    Unsupported,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import ssh_probe
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh import control_master, openssh
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_probe import NoSshServer
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_target import NoAnswer, SshTarget
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.runstate import readiness
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import fast_path, known_hosts
from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._cli.context import CliContext
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Container

SERVER_TIMEOUT_S = 30.0
"""How long to wait for the SSH server of a pixel that just started."""

KNOWN_ADDRESS_TIMEOUT_S = 3
"""How long to wait at the last known address, which may belong to another machine by now."""


class SshRoute(t.NamedTuple):
    """An open connection to a pixel."""

    master: control_master.ControlMaster

    def run(self, command: Command, **streams: t.Any) -> int:
        """Run a command as `ControlMaster.run` does."""
        return self.master.run(command, **streams)


def run(context: CliContext, name: PixelName, command: Command, **streams: t.Any) -> int:
    """Run a command in a pixel as `ControlMaster.run` does, and note the connection for libexec/pixels."""
    route = open_route(context, name)
    # libexec/pixels does not know the variables of the configuration file.
    if not context.by_options and not context.resolved.environment.names and (pid := route.master.pid):
        fast_path.note(name, str(route.master.socket), pid, context.resolved.file, os.environ)
    try:
        return route.run(command, **streams)
    except control_master.ConnectionGone:
        # The master responded, but its connection is gone.
        route.master.close()
        return open_route(context, name).run(command, **streams)


def open_route(context: CliContext, name: PixelName, *, wait_for_server: bool = False) -> SshRoute:
    """Return an open connection to a pixel, or open one.

    With transport `auto`, wait only for a server that has answered before, unless `wait_for_server`.
    Raises `NotFound`, `Refused` if it does not run, `ConnectionFailed`, `NotPermitted` and `NoSshServer`.
    """
    client_program(context)
    known = last_address(context, name)
    if known:
        master = control_master.ControlMaster(login(context, name, known), context.host_keys)
        if master.is_open:
            context.output.detail(f"{name}: over the open connection {master.socket}")
            return SshRoute(master)
        if waits(context) or ssh_probe.uses_ssh(context.ssh_answers, name, known, context.ssh.port):
            try:
                master.open(only_pinned=True, timeout=KNOWN_ADDRESS_TIMEOUT_S)
            except ConnectionFailed:
                # The pixel has moved or stopped: ask the NAS. A server that only refuses the key (NotPermitted) has
                # shown the pinned host key, so the cached address is right.
                context.output.detail(f"{name}: no longer at {known}")
                context.addresses.forget(name)
            else:
                context.output.detail(f"{name}: at its last known address {known}")
                return SshRoute(master)
    began = time.monotonic()
    found = running(context, name)
    connect_timeout = ssh_probe.connect_timeout_after(time.monotonic() - began)
    address = address_of(context, found, wait_for_server=wait_for_server, connect_timeout=connect_timeout)
    master = control_master.ControlMaster(login(context, name, address), context.host_keys)
    connected(context, master.target, master.open)
    context.output.detail(f"{name}: at {master.target.address}, the address on the NAS")
    context.addresses.note(name, master.target.address)
    return SshRoute(master)


def client_program(context: CliContext) -> str:
    """Return the path of the OpenSSH client.

    Raises `NoSshServer` if it is not installed, and `Unsupported` if the transport is `ssh`.
    """
    program = openssh.program()
    if program:
        return program
    problem = "no OpenSSH client is installed on this machine"
    if waits(context):
        raise Unsupported(f"cannot use SSH: {problem}").with_hints(
            Hint.advice("install the OpenSSH client (ssh)"), Hint.option("transport", "auto", "for the web shell")
        )
    raise NoSshServer(problem)


T = t.TypeVar("T")


def connected(context: CliContext, login: SshTarget, connect: t.Callable[[], T]) -> T:
    """Connect; try again if a server that answered before is back after a while. Raises `NoSshServer`."""
    try:
        return connect()
    except NoAnswer as error:
        if waits(context):
            raise
        if not ssh_probe.answers_again(context.ssh_answers, login.pixel, login.address, login.port):
            raise NoSshServer(error.message) from error
    return connect()


def waits(context: CliContext) -> bool:
    """Return whether the transport is `ssh`, so that the command waits for the SSH server."""
    return context.ssh.transport == "ssh"


def last_address(context: CliContext, name: PixelName) -> str | None:
    """Return the last known address of a pixel if its host key is known, which identifies it there."""
    if not context.host_keys.find(known_hosts.alias(name, context.nas)):
        return None
    return context.addresses.find(name)


def login(context: CliContext, name: PixelName, address: str) -> SshTarget:
    """Return the SSH target of a pixel at an address."""
    return SshTarget(name, context.nas, address, port=context.ssh.port, user=context.ssh.user, key_file=context.ssh.key)


def running(context: CliContext, name: PixelName) -> Container:
    """Return the record of a running pixel. Raises `NotFound`, and `Refused` if it does not run."""
    found = context.pixels.get(name)
    if not found.running:
        bare = found.name.bare
        raise Refused(f"{bare} on {context.nas} is {found.status}").with_hints(Hint.state("started", bare, "first"))
    return found


def address_of(
    context: CliContext,
    found: Container,
    *,
    wait_for_server: bool = False,
    connect_timeout: float = ssh_probe.CONNECT_TIMEOUT_S,
) -> str:
    """Return the address of a pixel once an SSH server answers there; `connect_timeout` is in seconds.

    Raises `TimedOut`; with transport `auto`, raises `NoSshServer`, immediately if no server ever answered, unless
    `wait_for_server`.
    """
    bare = found.name.bare
    if waits(context) or wait_for_server:
        deadline = Deadline(SERVER_TIMEOUT_S)
        try:
            reached = readiness.wait_for(
                context.pixels, found.name, "ssh", deadline=deadline, ssh_port=context.ssh.port
            )
        except TimedOut as late:
            if waits(context):
                raise
            if found.address:
                context.ssh_answers.note(found.name, found.address, context.ssh.port, answered=False)
            raise NoSshServer(late.message) from late
        if reached is None or reached.address is None:
            raise ConnectionFailed(f"{bare} on {context.nas} disappeared while the command waited for its SSH server")
        return reached.address
    if found.address is None:
        raise NoSshServer(f"the NAS reports no address for {bare}")
    answers, port = context.ssh_answers, context.ssh.port
    if not ssh_probe.uses_ssh(answers, found.name, found.address, port, connect_timeout=connect_timeout):
        raise NoSshServer(f"no SSH server answers at {found.address} port {context.ssh.port}")
    return found.address
