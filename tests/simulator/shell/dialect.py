# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Define what differs between releases: which accounts may open a web shell, and what runs in it."""

from __future__ import annotations

import typing as t

from tests.simulator.errors import ENOTAUTHENTICATED

if t.TYPE_CHECKING:
    from tests.simulator.accounts import Account
    from tests.simulator.auth import Authenticator
    from tests.simulator.engines.base import Terminal
    from tests.simulator.world import World

ShellOptions = dict[str, t.Any]
"""The `options` of the first message; releases look for other names in it, and pass over those they do not know."""


class SetupFailed(Exception):
    """The middleware fails after the login and sends no error to the client."""


class Failure(t.NamedTuple):
    """Said to the client, which may try again."""

    error: int
    reason: str


class Opened(t.NamedTuple):
    terminal: Terminal
    preamble: bytes = b""
    """What the middleware itself says before the terminal does."""


class Dialect(t.Protocol):
    """A newer release is one more of these."""

    def admit(
        self, authenticator: Authenticator, token: t.Any, options: ShellOptions, remote: str
    ) -> Account | Failure:
        """Whose shell it will be. A single-use token is spent only by success."""

    def target(self, world: World, options: ShellOptions) -> str:
        """Return the name of the requested container, or an empty string."""

    async def open(self, world: World, account: Account, options: ShellOptions) -> Opened:
        """Raises `SetupFailed`."""


HOST_ENVIRONMENT = {
    "TERM": "xterm",
    "HOME": "/root",
    "PATH": "/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/root/bin",
    "LC_ALL": "C.UTF-8",
}
"""Of a shell of the NAS itself (apps/webshell_app.py)."""
INTERACTIVE = ("/bin/sh", "-c", "if command -v bash >/dev/null 2>&1; then exec bash -l; else exec sh; fi")


async def open_host_shell(world: World) -> Opened:
    """Without a target, a shell is one of the NAS itself.

    TrueNAS runs `login -f` with the name of the account. Assumed: here it is always root of a confined guest, which has
    only the files below `/mnt` of those that `filesystem.*` shows.
    """
    datasets = world.files.root / "mnt"
    return Opened(await world.engine.open_host_terminal(INTERACTIVE, environment=HOST_ENVIRONMENT, datasets=datasets))


INVALID_TOKEN = Failure(ENOTAUTHENTICATED, "Invalid token")
