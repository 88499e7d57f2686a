# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration with which a session daemon starts."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint, Timeouts


@dataclass(frozen=True)
class DaemonConfig:
    """What a daemon needs to log in and to listen. It holds the secret, and is passed through a pipe only."""

    endpoint: Endpoint
    credential: Credential
    timeouts: Timeouts
    idle: float
    """Seconds from the last call to the end of the daemon."""
    directory: str
    """The runtime directory."""
    socket_name: str
    version: str
    """The version of the code that the first client runs."""
    listener: int = -1
    """The file descriptor on which the socket listens."""
    inode: int = -1
    """The inode of the socket, which distinguishes it from a later one with the same path."""
    library_path: tuple[str, ...] = ()
    """`sys.path` of the first client."""

    def encode(self) -> bytes:
        """Return the configuration as a line of JSON."""
        return json.dumps(dataclasses.asdict(self)).encode("ascii") + b"\n"


def decode(config: dict[str, t.Any]) -> DaemonConfig:
    """Return the configuration that `DaemonConfig.encode` wrote."""
    return DaemonConfig(
        **{
            **config,
            "endpoint": Endpoint(**config["endpoint"]),
            "credential": Credential(**config["credential"]),
            "timeouts": Timeouts(**config["timeouts"]),
            "library_path": tuple(config["library_path"]),
        }
    )
