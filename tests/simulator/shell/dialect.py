# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does a release let decide about a web shell: who gets one, and what runs in it?"""

from __future__ import annotations

import typing as t

from tests.simulator.errors import ENOTAUTHENTICATED

if t.TYPE_CHECKING:
    from tests.simulator.accounts import Account
    from tests.simulator.auth import Authenticator
    from tests.simulator.engines.base import Terminal
    from tests.simulator.world import World

ShellOptions = dict[str, t.Any]
"""The C(options) of the first message; releases look for other names in it, and pass over those they do not know."""


class SetupFailed(Exception):
    """The middleware fails after the login, and the client is told nothing."""


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
        """The name of the container that is asked for, empty where it is none."""

    async def open(self, world: World, account: Account, options: ShellOptions) -> Opened:
        """Raises C(SetupFailed)."""


NO_HOST_SHELL = b"The simulated NAS has no shell of its own.\r\n"
INVALID_TOKEN = Failure(ENOTAUTHENTICATED, "Invalid token")
