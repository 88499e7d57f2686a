# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address, the user and the key of an SSH login to a pixel, and errors that all SSH clients share."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.pixels.truenas.plugins.module_utils._api.errors import ConnectionFailed
from ansible_collections.pixels.truenas.plugins.module_utils._api.hint import Hint
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state import known_hosts

if t.TYPE_CHECKING:
    from ansible_collections.pixels.truenas.plugins.module_utils._pixel.state.known_hosts import KnownHosts
    from ansible_collections.pixels.truenas.plugins.module_utils._truenas.pixel_name import PixelName

DEFAULT_KEY = "~/.ssh/id_ed25519"
DEFAULT_PORT = 22


@dataclass(frozen=True)
class SshTarget:
    """Where an SSH connection goes, and how it logs in."""

    pixel: PixelName
    """Full name of the container."""
    nas: str
    address: str
    port: int = DEFAULT_PORT
    user: str = "root"
    key_file: str | None = None
    """Private key. None offers `DEFAULT_KEY` and then the keys of the SSH agent."""
    password: str | None = field(default=None, repr=False)
    """Password of `user`, offered if the pixel accepts none of the keys."""
    check_host_key: bool = True
    """False connects to a server even if its host key is not the pinned one. Such a server never gets the password."""

    def __str__(self) -> str:
        port = "" if self.port == DEFAULT_PORT else f" port {self.port}"
        return f"{self.pixel.bare} on {self.nas} ({self.user}@{self.address}{port})"


class NoAnswer(ConnectionFailed):
    """No SSH server answers at the address, or there is no route to it."""


def no_answer(target: SshTarget, reason: str) -> NoAnswer:
    """Return the error for an address at which no SSH server answers."""
    return NoAnswer(f"no SSH connection to {target}: {reason}").with_hints(
        Hint.option("provision", True, "to install an SSH server"),
        Hint.option("transport", "shell", "for the web shell"),
    )


def runs_nothing(target: SshTarget, status: int) -> ConnectionFailed:
    """Return the error for a login shell that runs no commands, such as nologin, and ended with `status`."""
    return ConnectionFailed(
        f"no command can run in {target} over SSH: the login shell of {target.user} ended with {status} instead. "
        "Give the user another login shell (chsh), or use transport shell",
        permanent=True,
    )


def host_key_mismatch(target: SshTarget, keys: KnownHosts) -> ConnectionFailed:
    """Return the error for a server whose host key is not the pinned one."""
    alias = known_hosts.alias(target.pixel, target.nas)
    return ConnectionFailed(
        f"SSH host key mismatch for {target}: the server's key is not the pinned one. Another machine may have this "
        f"address. If the pixel was created again elsewhere, remove the lines of {alias} from {keys.path}",
        permanent=True,
    )
