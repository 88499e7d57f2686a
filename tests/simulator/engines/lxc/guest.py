# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a container in the engine `lxc`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from tests.simulator.engines.lxc import addresses


@dataclass
class Guest:
    dataset: str
    bridge_port: addresses.BridgePort
    source: str
    """The snapshot that it begins as. Without a dataset yet, that is what the first one to need one makes it of."""
    used_at_first: int
    origin: str | None = None
    """As in ZFS; None while there is no dataset."""
    has_a_place: bool = False
    """A dataset without one is not mounted by anybody."""
    mounted: bool = False
    hostname: str | None = None
    """Settings that its files do not contain yet."""
    running: bool = False
    limits: tuple[str | None, int | None] | None = None
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    snapshots: dict[str, str] = field(default_factory=dict)
    """Labels that the world knows, with those in ZFS: to rename a snapshot, zfs-fuse would unmount its clones."""
    environment: dict[str, str] = field(default_factory=dict)
