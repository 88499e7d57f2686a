# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does the lab offer its containers? The lab (tests/lab) writes it down, the engine reads it."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.simulator.engines.base import EngineUnavailable

FOLDER = Path("/run/pixels-lab")
"""There only in the mount namespace of a lab."""
STUCK_SIGNAL = signal.SIGUSR1
"""Exit status of pid 1 of a lab that must be created again."""


@dataclass(frozen=True)
class Lab:
    pool: str = "tank"
    mounted_at: str = "/mnt/pixels-lab"
    """Where the pool is."""
    bridge: str = "br0"
    group: str = "pixels-lab"
    """The control group that all containers are in."""
    golden: str = "tank/.ix-virt/images/golden"
    """The dataset that new containers are clones of."""
    bare: str = "bare"
    """Its snapshot without an SSH server."""
    with_ssh: str = "ssh"
    folder: Path = FOLDER

    @property
    def containers(self) -> str:
        return f"{self.pool}/.ix-virt/containers"

    def mountpoint(self, dataset: str) -> Path:
        return Path(self.mounted_at + dataset.removeprefix(self.pool))

    def write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        described = dataclasses.asdict(self) | {"folder": str(self.folder)}
        (self.folder / "lab.json").write_text(json.dumps(described), encoding="utf-8")

    def give_up(self) -> None:
        """End the lab: something in it will never answer again."""
        os.kill(1, STUCK_SIGNAL)

    @classmethod
    def here(cls, folder: Path = FOLDER) -> Lab:
        """Raises `EngineUnavailable` outside of a lab."""
        try:
            described = json.loads((folder / "lab.json").read_text(encoding="utf-8"))
        except OSError as error:
            raise EngineUnavailable("the engine lxc runs in the lab only: make lab") from error
        return cls(**described | {"folder": folder})
