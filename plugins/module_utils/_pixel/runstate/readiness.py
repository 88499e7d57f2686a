# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for a pixel: until it runs, has an address, answers on SSH, or has booted."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    NotFound,
    NotPermitted,
    Refused,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.ssh_probe import greeting

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.common.deadline import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.model.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Address, Container
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

# Succeeds once the init system has started all services. Services that failed to start do not delay it.
IS_READY = """\
if command -v systemctl >/dev/null 2>&1; then
    case $(systemctl is-system-running 2>/dev/null) in
        initializing | starting) exit 1 ;;
        *) exit 0 ;;
    esac
fi
[ ! -d /run/openrc ] || { [ -e /run/openrc/softlevel ] && [ ! -e /run/openrc/rc.starting ]; }
"""
SCRIPT_TIMEOUT_S = 30.0
IPV6_ALONE_AFTER_S = 3.0
"""Seconds to wait for an IPv4 address, which is preferred, once a pixel has an IPv6 address: DHCP may take longer."""
TABLES = ("fib_trie", "if_inet6", "route")
"""Files of /proc/net, in the order of the parameters of `proc_net.parse_addresses`."""


def wait_for(
    pixels: Pixels,
    name: PixelName,
    step: str,
    *,
    deadline: Deadline,
    ssh_port: int = 22,
    known: Container | None = None,
) -> Container | None:
    """Wait until a container reaches a step (`none`, `running`, `address`, `ssh` or `ready`), and return it.

    `known` is a recent read of it, which may already suffice. Raises `TimedOut` with the step that it reached, and
    `NotFound` if it was destroyed meanwhile.
    """
    if step == "none":
        return known or pixels.containers.find(name)
    where = f"{name.bare} on {pixels.nas}"

    ipv6_since: list[float] = []

    def reached(found: Container) -> bool:
        if not found.running or step in ("running", "ready") or found.ipv4 is not None:
            return found.running
        if found.ipv6 is not None and not ipv6_since:
            ipv6_since.append(deadline.left)
        return found.ipv6 is not None and ipv6_since[0] - deadline.left >= min(IPV6_ALONE_AFTER_S, ipv6_since[0])

    def find_reached() -> Container | None:
        found = pixels.containers.find(name)
        if found is None:
            raise NotFound(f"{where} was destroyed by another client during the wait")
        if found.running and not reached(found) and not pixels.containers.reports_addresses:
            found = replace(found, addresses=read_addresses(pixels, name))
        return found if reached(found) else None

    found = known if known and reached(known) else deadline.wait_until(find_reached)
    if found is None:
        last = pixels.containers.find(name)
        status = last.status if last else "destroyed"
        problem = f"is {status}" if status != "running" else "is running, but the NAS reports no address for it"
        error = TimedOut(f"{where} {problem} after {deadline.seconds:g} s")
        if status == "running":
            error.hints = (Hint.advice("check DHCP on its network"), Hint.option("nic", purpose="to another network"))
        raise error
    if step == "ssh" and found.address:
        wait_for_ssh(where, found.address, ssh_port, deadline=deadline)
        pixels.ssh_answers.note(found.name, found.address, ssh_port, answered=True)
    if step == "ready":
        wait_until_booted(pixels, name, where, deadline=deadline)
        return pixels.containers.find(name)
    return found


def read_addresses(pixels: Pixels, name: PixelName) -> tuple[Address, ...]:
    """Return the addresses of a running pixel as its own kernel reports them; none before a web shell opens.

    Raises `NotPermitted` for an account without web shell access.
    """
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.command import Command
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas import proc_net

    try:
        with WebShellClient(pixels, name) as shell:
            commands = (Command(("cat", f"/proc/net/{table}")) for table in TABLES)
            tables = (scripts.run_command(shell, command, timeout=SCRIPT_TIMEOUT_S) for command in commands)
            return proc_net.parse_addresses(*(each.stdout.decode("ascii", "replace") for each in tables))
    except (ConnectionFailed, TimedOut, Refused, ValueError):
        # The guest controls the output, which may be anything.
        return ()
    except NotPermitted as error:
        error.add_prefix(
            f"cannot wait for the address of {name.bare}: {pixels.nas} reports addresses to full "
            "administrators only, and reading them in the pixel requires web shell access"
        )
        error.hints = (
            Hint.option("wait", "running"),
            Hint.advice("grant the account web shell access"),
        )
        raise


def wait_until_booted(pixels: Pixels, name: PixelName, where: str, *, deadline: Deadline) -> None:
    """Wait in the web shell until the pixel has booted. Raises `TimedOut`, and errors of the web shell."""
    # Imported here: the other steps need no web shell.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access import scripts
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.access.web_shell.client import WebShellClient

    def is_booted() -> bool | None:
        try:
            with WebShellClient(pixels, name) as shell:
                return scripts.run(shell, IS_READY, timeout=SCRIPT_TIMEOUT_S).rc == 0 or None
        except (ConnectionFailed, TimedOut):
            # Early in the boot, the web shell does not open.
            return None

    if deadline.wait_until(is_booted) is None:
        raise TimedOut(f"{where} is running, but did not finish booting within {deadline.seconds:g} s")


def wait_for_ssh(where: str, address: str, port: int, *, deadline: Deadline) -> None:
    """Wait until an SSH server answers at an address. Raises `TimedOut`."""
    if deadline.wait_until(lambda: greeting(address, port), longest=0.5) is None:
        raise TimedOut(
            f"{where} has the address {address}, but no SSH server answers on port {port} after {deadline.seconds:g} s"
        ).with_hints(
            Hint.advice("check that this machine can reach that address"),
            Hint.option("provision", True, "to install an SSH server"),
        )
