# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Web shells of TrueNAS 25.04 and 25.10: the NAS runs `incus exec` for accounts with the web shell privilege."""

from __future__ import annotations

import typing as t

from tests.simulator.engines.final_output import FinalOutput
from tests.simulator.shell.dialect import INVALID_TOKEN, Failure, Opened, SetupFailed, ShellOptions, open_host_shell
from tests.simulator.world import INITIALIZED

if t.TYPE_CHECKING:
    from tests.simulator.accounts import Account
    from tests.simulator.auth import Authenticator
    from tests.simulator.engines.base import Terminal
    from tests.simulator.instance import Instance
    from tests.simulator.world import World

SHELLS = ("/bin/bash", "/bin/zsh", "/bin/csh", "/bin/sh")
TARGETS = ("vm_id", "app_name", "virt_instance_id")
WARNING = (
    b"WARNING: Your user does not have sudo privileges so /usr/bin/incus command will run\r\n"
    b"on your behalf. This might cause permission issues.\r\n\r\n"
)


class VirtShells:
    """No role is required, and every problem with a token has the same error."""

    def admit(
        self, authenticator: Authenticator, token: t.Any, options: ShellOptions, remote: str
    ) -> Account | Failure:
        found = authenticator.token(token, remote) if isinstance(token, str) else None
        if found is None or not found.account.web_shell:
            return INVALID_TOKEN
        authenticator.spend(found)
        return found.account

    def target(self, world: World, options: ShellOptions) -> str:
        return str(options.get("virt_instance_id", ""))

    async def open(self, world: World, account: Account, options: ShellOptions) -> Opened:
        if all(options.get(target) for target in TARGETS):
            raise SetupFailed(f"Only one option is supported from {', '.join(TARGETS)}")
        if options.get("vm_id") or options.get("app_name"):
            raise SetupFailed("the simulated NAS has neither virtual machines nor apps")
        name = options.get("virt_instance_id")
        if not name:
            return await open_host_shell(world)
        instance = world.instances.get(name) if isinstance(name, str) and world.state == INITIALIZED else None
        if instance is None:
            raise SetupFailed("Provided instance id is not valid")
        if instance.status != "RUNNING":
            raise SetupFailed("Container must be running.")
        command = options.get("command") or await _first_shell(world, instance)
        terminal = await _incus(world, account, instance, command, console=bool(options.get("use_console")))
        return Opened(terminal, b"" if account.sudo else WARNING)


async def _first_shell(world: World, instance: Instance) -> str:
    """Looked for below the default pool, wherever the container is."""
    if instance.storage_pool == world.default_pool:
        for shell in SHELLS:
            if await world.engine.stat(instance.name, shell) is not None:
                return shell
    return "/bin/sh"


async def _incus(world: World, account: Account, instance: Instance, command: t.Any, *, console: bool) -> Terminal:
    """The one word becomes the program: there are no arguments, and no shell splits it."""
    if not isinstance(command, str):
        return FinalOutput(b"")  # the middleware's new process fails before it is Incus
    if not account.sudo and not account.incus_admin:
        words = "You don't have the needed permissions to talk to the incus daemon"
        return _failed(f"{words} (socket path: /var/lib/incus/unix.socket)")
    if console:
        # the word is passed on as well, and `incus console` takes only the container's name
        return _failed("Invalid number of arguments")
    try:
        return await world.engine.open_terminal(instance.name, [command], environment={"TERM": "xterm"})
    except FileNotFoundError:
        return _failed("Command not found")
    except ConnectionResetError:
        return _failed("Instance is not running")


def _failed(text: str) -> FinalOutput:
    return FinalOutput(f"Error: {text}\r\n".encode())
