# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk for VMs, and its row in `virt.volume`."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from tests.simulator.releases import Release


@dataclass
class Volume:
    """A disk for VMs, which Incus keeps in a storage pool; containers cannot use one."""

    name: str
    pool: str
    megabytes: int
    created: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(tz=datetime.UTC))

    def id(self, release: Release) -> str:
        return f"{self.pool}_{self.name}" if release.volume_id_has_pool else self.name

    def row(self, release: Release) -> dict[str, t.Any]:
        return {
            "id": self.id(release),
            "name": self.name,
            "storage_pool": self.pool,
            "content_type": "BLOCK",
            "created_at": self.created.isoformat(),
            "type": "custom",
            "config": {"size": self.megabytes},
            "used_by": [],
        }
