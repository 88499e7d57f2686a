# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new pixel gets where nothing else is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.pixels.truenas.plugins.module_utils._pixel.environment import NOTHING, Environment
from ansible_collections.pixels.truenas.plugins.module_utils._pixel.sizes import MIB


@dataclass(frozen=True)
class Defaults:
    """Upstream's own, unless the user's settings say otherwise."""

    image: str = "ubuntu/24.04"
    cpu: str = "2"
    memory: int = 2048 * MIB
    """Bytes."""
    pool: str | None = None
    """None is the default pool of the NAS."""
    nic_type: str = "macvlan"
    parent: str | None = None
    """The interface of the NAS; None lets it be found."""
    network: str | None = None
    """The bridge of the NAS itself, instead of an interface."""
    dns: tuple[str, ...] = ()
    """Name servers, where the pixel is provisioned; none leaves the image's own."""
    environment: Environment = NOTHING
    """Variables, where the pixel is provisioned."""
