# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does pid 1 of the lab do? It makes the lab, starts one command in it, and ends with that."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import typing as t
from pathlib import Path

from tests.lab import golden, mounts, network, pool
from tests.simulator.engines.lxc.lab import STUCK_SIGNAL, Lab

STUCK, CRASHED = 75, 76
"""The exit statuses of a lab that must be created again, by what happened to its zfs-fuse."""


def make_pool(base: Path, image: Path, group: str) -> int:
    """Make the pool with the golden dataset, and save it in a file."""
    lab = _set_up(base, group)
    daemon = pool.start(base / "shifted_ids.so")
    pool.create(lab.pool, lab.mounted_at)
    golden.make(lab, base / "base.tar")
    pool.save(lab.pool, image)
    daemon.kill()
    return 0


def serve(base: Path, image: Path, group: str, command: t.Sequence[str]) -> int:
    """A lab for one command; returns how that ended."""
    lab = _set_up(base, group)
    daemon = pool.start(base / "shifted_ids.so")
    pool.load(lab.pool, image)
    return _until_it_ends(command, daemon.pid)


def _set_up(base: Path, group: str) -> Lab:
    mounts.set_up()
    lab = Lab(group=group, bridge=network.BRIDGE)
    lab.write()
    network.set_up(base / "mirror")
    return lab


def _until_it_ends(command: t.Sequence[str], daemon: int) -> int:
    """Whose parent has died is our child: they are reaped as well. Without its daemon no lab goes on."""
    lost: list[int] = []

    def give_up(how: int) -> None:
        lost.append(how)
        started.kill()

    signal.signal(signal.SIGINT, lambda *_: None)  # the command has it as well, and ends; so do we
    started = subprocess.Popen(command, env=mounts.environment())
    signal.signal(STUCK_SIGNAL, lambda *_: give_up(STUCK))
    while True:
        with contextlib.suppress(ChildProcessError):
            pid, status = os.waitpid(-1, 0)
            if pid == daemon:
                give_up(CRASHED)
            if pid == started.pid:
                code = os.waitstatus_to_exitcode(status)
                return lost[0] if lost else 128 - code if code < 0 else code
