# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a holder is told when it is started: whom to log in to, as whom, and where its callers come."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._api.endpoint import Credential, Endpoint, Timeouts


@dataclass(frozen=True)
class Order:
    """All of it; C(idle) is in seconds. The text of it holds the secret, and goes through a pipe only."""

    endpoint: Endpoint
    credential: Credential
    timeouts: Timeouts
    idle: float
    folder: str
    """Of the rendezvous."""
    name: str
    """Of the socket in it."""
    version: str
    """Of the code the first caller runs."""
    listener: int = -1
    """Number of the open file on which the socket listens."""
    inode: int = -1
    """Of the socket in the folder, which tells it from another one in its place."""
    path: tuple[str, ...] = ()
    """Where the first caller finds its libraries."""

    def text(self) -> bytes:
        return json.dumps(dataclasses.asdict(self)).encode("ascii") + b"\n"


def read(found: dict[str, t.Any]) -> Order:
    """The order that was written as a text."""
    return Order(
        **{
            **found,
            "endpoint": Endpoint(**found["endpoint"]),
            "credential": Credential(**found["credential"]),
            "timeouts": Timeouts(**found["timeouts"]),
            "path": tuple(found["path"]),
        }
    )
