# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command that the NAS keeps, and its row in `cronjob`."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field


@dataclass
class CronJob:
    id: int
    command: str
    user: str
    enabled: bool = True
    stderr: bool = False
    stdout: bool = True
    description: str = ""
    schedule: dict[str, str] = field(default_factory=dict)

    def row(self) -> dict[str, t.Any]:
        return {
            "id": self.id,
            "enabled": self.enabled,
            "stderr": self.stderr,
            "stdout": self.stdout,
            "schedule": dict(self.schedule),
            "command": self.command,
            "description": self.description,
            "user": self.user,
        }
