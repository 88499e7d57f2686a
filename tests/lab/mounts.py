# Copyright (c) 2026, the pixels.truenas contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mounts of the lab's pid 1 for zfs-fuse, LXC and tests; they leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

from tests.simulator.engines.lxc.config import FIRST_ID, IDS

ASIDE = "/run/pixels-lab-cgroups"
TMPFS = ("/mnt", "/dev/shm", "/var/lib/zfs", "/var/lib/lxc", "/var/cache/lxc", "/var/log/lxc")
HOME = Path("/run/pixels-lab/home")
TEMPORARY = Path("/run/pixels-lab/tmp")


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def set_up() -> None:
    """Nothing here reaches the mounts of the machine."""
    mount("--make-rprivate", "/")
    mount("-t", "proc", "proc", "/proc")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    _see_our_own_network()
    # Only now: unmounting what was set aside above would otherwise reach /sys as well.
    mount("--make-rshared", "/")
    for folder in TMPFS:
        if os.path.isdir(folder):
            mount("-t", "tmpfs", "tmpfs", folder)
    for folder in ("/run/lock/zfs", "/run/zfs", "/run/netns", "/run/lxc", "/run/sshd", str(HOME), str(TEMPORARY)):
        Path(folder).mkdir(parents=True)
    mount("-t", "tmpfs", "tmpfs", "/run/netns")
    _let_containers_have_ids()


def _see_our_own_network() -> None:
    """A new /sys, where LXC looks for our bridge, with the machine's control groups in it."""
    Path(ASIDE).mkdir()
    mount("--rbind", "/sys/fs/cgroup", ASIDE)
    mount("-t", "sysfs", "sysfs", "/sys")
    mount("--rbind", ASIDE, "/sys/fs/cgroup")
    subprocess.run(["umount", "--lazy", ASIDE], check=True)


def _let_containers_have_ids() -> None:
    for name in ("subuid", "subgid"):
        ours = Path("/run") / name
        ours.write_text(f"root:{FIRST_ID}:{IDS}\n", encoding="utf-8")
        mount("--bind", str(ours), f"/etc/{name}")


def environment() -> dict[str, str]:
    """For what runs in the lab: temporary files and settings end with it."""
    return {**os.environ, "HOME": str(HOME), "TMPDIR": str(TEMPORARY), "XDG_RUNTIME_DIR": str(TEMPORARY)}


def memory(folder: t.Any) -> None:
    """A file system in memory for something big."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    mount("-t", "tmpfs", "-o", "size=90%", "tmpfs", str(folder))
