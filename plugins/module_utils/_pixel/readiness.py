# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a started pixel has come: running, addressed, answering on SSH, or booted to the end."""

from __future__ import annotations

import socket
import typing as t
from dataclasses import replace

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import (
    ConnectionFailed,
    NotFound,
    NotPermitted,
    Refused,
    TimedOut,
)
from ansible_collections.pixels.truenas.plugins.module_utils._pixel import names

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.pixels import Pixels
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.waiting import Deadline
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.backend import Address, Container

STEPS = ("none", "running", "address", "ssh", "ready")

# Ends with 0 once init has started all that starts by itself; what failed at that is not waited for.
IS_READY = """\
if command -v systemctl >/dev/null 2>&1; then
    case $(systemctl is-system-running 2>/dev/null) in
        initializing | starting) exit 1 ;;
        *) exit 0 ;;
    esac
fi
[ ! -d /run/openrc ] || { [ -e /run/openrc/softlevel ] && [ ! -e /run/openrc/rc.starting ]; }
"""
LOOK_WITHIN = 30.0
TABLES = ("fib_trie", "if_inet6", "route")
"""Of the kernel, in the order that C(kernel_tables.told) takes them."""


def wait_for(
    pixels: Pixels, name: str, step: str, *, deadline: Deadline, ssh_port: int = 22, seen: Container | None = None
) -> Container | None:
    """Wait until a container has come as far as C(step), and return it as it is then.

    C(seen) is how it was a moment ago, which may be far enough.
    Raises C(TimedOut) with what it got to, C(NotFound) when it went away meanwhile.
    """
    if step == "none":
        return seen or pixels.containers.find(name)
    bare = names.bare_name(name)
    where = f"{bare} on {pixels.nas}"

    def reached(found: Container) -> bool:
        return found.running and (step in ("running", "ready") or found.ipv4 is not None)

    def look() -> Container | None:
        found = pixels.containers.find(name)
        if found is None:
            raise NotFound(f"{where} went away while it was waited for")
        if found.running and not reached(found) and not pixels.containers.tells_addresses:
            found = replace(found, addresses=seen_from_inside(pixels, name))
        return found if reached(found) else None

    found = seen if seen and reached(seen) else deadline.wait_until(look)
    if found is None:
        last = pixels.containers.find(name)
        status = last.status if last else "gone"
        problem = f"is {status}" if status != "running" else "runs, but the NAS reports no IPv4 address for it"
        hint = "" if status != "running" else ": look at DHCP on its network and at the option nic"
        raise TimedOut(f"{where} {problem} after {deadline.seconds:g} s{hint}")
    if step == "ssh" and found.ipv4:
        wait_for_ssh(where, found.ipv4, ssh_port, deadline=deadline)
    if step == "ready":
        wait_until_booted(pixels, name, where, deadline=deadline)
        return pixels.containers.find(name)
    return found


def seen_from_inside(pixels: Pixels, name: str) -> tuple[Address, ...]:
    """The addresses of a running pixel as itself has them; none yet where there is no shell yet.

    Raises C(NotPermitted) for an account that may not open one either.
    """
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.shell import NasShell
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas import kernel_tables

    try:
        with NasShell(pixels, name) as shell:
            tables = (shell.run(Command(("cat", f"/proc/net/{table}")), timeout=LOOK_WITHIN) for table in TABLES)
            return kernel_tables.told(*(each.stdout.decode("ascii", "replace") for each in tables))
    except (ConnectionFailed, TimedOut, Refused, ValueError):
        # What it says need not be a table.
        return ()
    except NotPermitted as error:
        told = (
            f"the address of {names.bare_name(name)} cannot be waited for: {pixels.nas} tells it to full "
            f"administrators only, and others see it in a shell. Use wait: running, or let them open one: {error}"
        )
        error.args = (told, *error.args[1:])
        raise


def wait_until_booted(pixels: Pixels, name: str, where: str, *, deadline: Deadline) -> None:
    """Wait until init is through, asked through the shell of the NAS. Raises C(TimedOut), and what keeps us out."""
    # Only here: who waits for less needs no shell.
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.exec import Command
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.shell import NasShell

    def is_booted() -> bool | None:
        try:
            with NasShell(pixels, name) as shell:
                return shell.run(Command(("/bin/sh", "-c", IS_READY)), timeout=LOOK_WITHIN).rc == 0 or None
        except (ConnectionFailed, TimedOut):
            # So early there may be no shell yet.
            return None

    if deadline.wait_until(is_booted) is None:
        raise TimedOut(f"{where} runs, but had not finished booting after {deadline.seconds:g} s")


def wait_for_ssh(where: str, address: str, port: int, *, deadline: Deadline) -> None:
    """Wait until an SSH server greets at an address. Raises C(TimedOut)."""
    if deadline.wait_until(lambda: greeting(address, port), longest=0.5) is None:
        raise TimedOut(
            f"{where} has the address {address}, but no SSH server answers on port {port} "
            f"after {deadline.seconds:g} s: "
            "is one installed (option provision), and can this machine reach that address?"
        )


def greeting(address: str, port: int, *, timeout: float = 2.0) -> bytes | None:
    """The first bytes an SSH server sends; None when none answers. An open port alone is not a server yet."""
    try:
        with socket.create_connection((address, port), timeout=timeout) as connection:
            connection.settimeout(timeout)
            text = connection.recv(64)
    except OSError:
        return None
    return text if text.startswith(b"SSH-") else None
