# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Web shells of TrueNAS 26: a script in a container, for accounts that may change containers and open web shells."""

from __future__ import annotations

import errno as errnos
import typing as t

from tests.simulator.accounts import FULL_ADMIN
from tests.simulator.shell.dialect import (
    INTERACTIVE,
    INVALID_TOKEN,
    Failure,
    Opened,
    SetupFailed,
    ShellOptions,
    open_host_shell,
)

if t.TYPE_CHECKING:
    from tests.simulator.accounts import Account
    from tests.simulator.auth import Authenticator
    from tests.simulator.domain import Domain
    from tests.simulator.world import World

NOT_PRIVILEGED = Failure(errnos.EACCES, "Web shell privilege not granted for this account")
ROLES = {"VM": "VM_WRITE", "APP": "APPS_WRITE", "CONTAINER": "CONTAINER_WRITE"}


class ContainerShells:
    """Root of the container runs the command, regardless of the account's sudo rights."""

    def admit(
        self, authenticator: Authenticator, token: t.Any, options: ShellOptions, remote: str
    ) -> Account | Failure:
        found = authenticator.token(token, remote) if isinstance(token, str) else None
        if found is None:
            return INVALID_TOKEN
        if not found.account.web_shell:
            return NOT_PRIVILEGED
        kind = _kind(options)
        role = ROLES.get(kind)
        if role is not None and found.account.effective_roles().isdisjoint((role, FULL_ADMIN)):
            return Failure(errnos.EACCES, f"Missing required role for {kind} shell: {role}")
        authenticator.spend(found)
        return found.account

    def target(self, world: World, options: ShellOptions) -> str:
        domain = _find(world, options.get("container_id"))
        return "" if domain is None else domain.name

    async def open(self, world: World, account: Account, options: ShellOptions) -> Opened:
        kind = _kind(options)
        if kind == "HOST":
            return await open_host_shell(world)
        if kind != "CONTAINER":
            raise SetupFailed("the simulated NAS has neither virtual machines nor apps")
        domain = _find(world, options["container_id"])
        if domain is None:
            raise SetupFailed(f"Container {options['container_id']} does not exist")
        if domain.status != "RUNNING":
            raise SetupFailed("Container is not running")
        command = options.get("command") or INTERACTIVE[-1]
        if not isinstance(command, str):
            raise SetupFailed("the command is no text")
        argv = [*INTERACTIVE[:-1], command]
        try:
            return Opened(await world.engine.open_terminal(domain.name, argv, environment={"TERM": "xterm"}))
        except (FileNotFoundError, ConnectionResetError) as error:
            raise SetupFailed(str(error)) from error


def _kind(options: t.Any) -> str:
    """`container_id` alone is a container's; beside `app_name` it is one of Docker's."""
    chosen = options if isinstance(options, dict) else {}
    if chosen.get("vm_id"):
        return "VM"
    if chosen.get("app_name"):
        return "APP"
    return "CONTAINER" if chosen.get("container_id") else "HOST"


def _find(world: World, id: t.Any) -> Domain | None:
    """By its number; a name is none."""
    if not isinstance(id, int):
        return None
    return next((domain for domain in world.domains.values() if domain.id == id), None)
